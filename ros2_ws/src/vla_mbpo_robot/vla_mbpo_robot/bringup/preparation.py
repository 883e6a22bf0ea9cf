"""Everything that can be refused is refused here, before any process starts and any file is written."""

import importlib.util
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from vla_mbpo.config import from_mapping
from vla_mbpo.episodes.folder import DatasetFolder
from vla_mbpo.episodes.metadata import check_folder
from vla_mbpo.episodes.schema import DatasetSpec
from vla_mbpo.errors import DatasetError
from vla_mbpo.errors import MissingDependencyError
from vla_mbpo.errors import VlaMbpoError
from vla_mbpo.robots import load_robot
from vla_mbpo.tasks import load_task
from vla_mbpo.tasks.spec import check_robot
from vla_mbpo_robot.bringup.domain import DomainLock
from vla_mbpo_robot.bringup.domain import domain_id
from vla_mbpo_robot.bringup.environment import log_folder
from vla_mbpo_robot.bringup.environment import node_environment
from vla_mbpo_robot.bringup.jobs import node_specs
from vla_mbpo_robot.bringup.options import BringupOptions
from vla_mbpo_robot.bringup.options import CollectOptions
from vla_mbpo_robot.bringup.specs import NodeSpec
from vla_mbpo_robot.bringup.specs import file_parameters
from vla_mbpo_robot.drivers.table import ROBOT_DRIVERS
from vla_mbpo_robot.settings import EpisodeRecorderSettings

OptionsT = TypeVar('OptionsT', bound=BringupOptions)
ROS_PACKAGES = ('rclpy', 'vla_mbpo_msgs')
_GIB = 2**30
_NAMESPACE = re.compile(r'/?[A-Za-z][A-Za-z0-9_]*(/[A-Za-z][A-Za-z0-9_]*)*')


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A job that may start. `lock` is held: release it when the job has ended."""

    specs: list[NodeSpec]
    environment: Mapping[str, str]
    lock: DomainLock


def prepare(job: str, options: BringupOptions) -> Prepared:
    """Check everything that `job` needs and say what to start.

    Raises:
        VlaMbpoError: unknown or unfitting names, no driver, missing packages or libraries, a dataset of another robot,
            no disk space, no log folder, or a stack that already runs in this ROS domain and namespace.
    """
    options = complete(options)
    specs = node_specs(job, options)
    _check_packages()
    _check_backend(options, specs)
    _check_log_folder(log_folder(os.environ))
    if isinstance(options, CollectOptions):
        check_dataset_folder(options)
    # Every twin publishes /clock: two of them in one domain would pull all nodes between two times.
    names = [f'/{options.namespace}', *(['/clock'] if options.simulate else [])]
    lock = DomainLock(domain_id(os.environ), names)
    lock.acquire()
    return Prepared(specs=specs, environment=node_environment(os.environ), lock=lock)


def complete(options: OptionsT) -> OptionsT:
    """Options with aliases resolved and empty values filled in; task and condition exist for the robot.

    Raises:
        VlaMbpoError: a name that does not exist, or a task that is not defined for the robot.
    """
    robot = load_robot(options.robot).name
    task = load_task(options.task)
    check_robot(task, robot)
    if options.condition:
        task.condition(options.condition)
    namespace = options.namespace or robot
    if not _NAMESPACE.fullmatch(namespace):
        raise VlaMbpoError(
            f'namespace {namespace!r}: expected letters, digits and _ in parts that start with a letter, '
            'separated by /'
        )
    completed = replace(options, robot=robot, namespace=namespace.strip('/'))
    if isinstance(completed, CollectOptions):
        folder = Path(completed.dataset_dir or f'datasets/{robot}_{task.name}')
        return replace(completed, dataset_dir=str(folder.expanduser().resolve()))
    return completed


def check_dataset_folder(options: CollectOptions) -> None:
    """Refuse a folder that holds another robot's data, cannot be written, or has no room.

    Raises:
        DatasetError: says which of these it is.
    """
    root = Path(options.dataset_dir)
    parent = _nearest(root)
    if not parent.is_dir():
        raise DatasetError(root, f'{parent} is a file')
    if not os.access(parent, os.W_OK | os.X_OK):
        raise DatasetError(root, f'{parent} cannot be written by this user')
    check_folder(DatasetFolder(root), DatasetSpec.of_robot(load_robot(options.robot)))
    recorder = file_parameters(options.robot).get('episode_recorder', {})
    settings = from_mapping(
        EpisodeRecorderSettings, recorder, source='parameters of episode_recorder'
    )
    wanted_gib = settings.min_free_gib
    free_gib = shutil.disk_usage(parent).free / _GIB
    if free_gib < wanted_gib:
        raise DatasetError(root, f'expected {wanted_gib:g} GiB of free space, found {free_gib:.2f}')


def _check_packages() -> None:
    for name in ROS_PACKAGES:
        spec = importlib.util.find_spec(name)
        # A folder of that name on the path is found as a namespace package without origin.
        if spec is None or spec.origin is None:
            raise MissingDependencyError(
                f'Python package {name}',
                needed_for='ROS nodes',
                remedy='Run `make setup`, or source the workspace: . ros2_ws/install/setup.bash',
            )


def _check_log_folder(folder: Path) -> None:
    parent = _nearest(folder)
    if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
        raise VlaMbpoError(
            f'log folder of ROS {folder}: {parent} cannot be written by this user. '
            'Set ROS_LOG_DIR to a folder that can'
        )


def _nearest(path: Path) -> Path:
    """`path`, or the nearest of its parents that this user can see."""
    return next(found for found in (path, *path.parents) if os.access(found, os.F_OK))


def _check_backend(options: BringupOptions, specs: list[NodeSpec]) -> None:
    if options.simulate:
        # Only where the twin runs: a robot's computer needs no MuJoCo.
        from vla_mbpo_sim.gl import backend_module

        # First of all: with a backend that cannot be loaded, importing mujoco fails.
        backend_module()
        from vla_mbpo_sim.scenes import make_scene

        make_scene(options.task, load_robot(options.robot))
        return
    driver = next(spec for spec in specs if spec.executable == 'robot_driver')
    if driver.parameters.get('driver') not in ROBOT_DRIVERS:
        raise VlaMbpoError(f'no driver for {options.robot} in this version; use simulate:=true')
