"""`NodeSpec`: one process of a job, as launch files and the supervisor both start it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vla_mbpo.config import from_mapping
from vla_mbpo.config import read_yaml
from vla_mbpo.errors import ConfigError
from vla_mbpo.errors import UnknownNameError
from vla_mbpo.robots import load_robot
from vla_mbpo_robot.bringup.share import config_file
from vla_mbpo_robot.settings import SETTINGS

PACKAGE = 'vla_mbpo_robot'
CAMERA = 'camera'
"""The one executable that a robot runs several of."""
Parameter = bool | int | float | str


@dataclass(frozen=True, kw_only=True)
class NodeSpec:
    """One process: executable of package `vla_mbpo_robot`, its place in the graph and its parameters."""

    executable: str
    name: str
    """Label of the process; also the node's name where `is_renamed`."""
    namespace: str
    """Absolute, with leading slash."""
    parameters: Mapping[str, Parameter]
    """What differs from the defaults of the executable's settings, plus use_sim_time."""
    log_level: str = 'info'
    is_leader: bool = False
    """The job is done when this process ends with 0."""

    @property
    def is_renamed(self) -> bool:
        """False where the node keeps its own name; several nodes of one process must not share one."""
        return self.name != self.executable

    @property
    def entry(self) -> str:
        """The entry point of the executable, as its setup.py declares it."""
        return f'{PACKAGE}.nodes.{self.executable}:main'


def executables(robot: str) -> dict[str, str]:
    """Executable of each node that a parameter file of `robot` may name; a camera's node is named after it."""
    cameras = {camera_node(name): CAMERA for name in load_robot(robot).camera_names}
    return {**{name: name for name in SETTINGS if name != CAMERA}, **cameras}


def camera_node(camera: str) -> str:
    """Name of the node that publishes a camera."""
    return f'{camera}_camera'


def parameters_of(
    executable: str, name: str, robot: str, values: Mapping[str, Parameter]
) -> dict[str, Parameter]:
    """The robot's parameter file for node `name`, overridden by `values`, checked and of the exact types.

    Raises:
        ConfigError: an unknown parameter, a wrong type or a value out of range; says from where.
    """
    merged = {**file_parameters(robot).get(name, {}), **values}
    settings = SETTINGS[executable]
    checked: object = from_mapping(settings, merged, source=f'parameters of {name}')
    return {key: getattr(checked, key) for key in merged}


def file_parameters(robot: str) -> dict[str, dict[str, Any]]:
    """Node name -> parameters, from config/<robot>.yaml (a standard ROS parameter file).

    Raises:
        ConfigError: an entry is not `/**/<node>: {ros__parameters: {...}}`.
        UnknownNameError: an entry names no node of ours; lists those that the robot has.
    """
    known = executables(robot)
    path = config_file(f'{robot}.yaml')
    found = {}
    for pattern, content in (read_yaml(path) or {}).items():
        name = str(pattern).removeprefix('/**/')
        if not isinstance(content, dict) or list(content) != ['ros__parameters']:
            raise ConfigError(str(path), [f'{pattern}: expected one key, ros__parameters'])
        if name not in known:
            raise UnknownNameError('node', name, known=known, where=str(path))
        found[name] = dict(content['ros__parameters'])
    return found
