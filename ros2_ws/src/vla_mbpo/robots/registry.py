"""The robots that ship with the package, by name or alias."""

from functools import cache
from importlib.resources import as_file
from importlib.resources import files

from vla_mbpo.config import load
from vla_mbpo.errors import ConfigError
from vla_mbpo.errors import UnknownNameError
from vla_mbpo.robots.description import RobotDescription
from vla_mbpo.robots.schema import RobotFile


def robot_names() -> tuple[str, ...]:
    """Names of the robots that exist, sorted."""
    found = files('vla_mbpo.robots').iterdir()
    return tuple(sorted(f.name.removesuffix('.yaml') for f in found if f.name.endswith('.yaml')))


@cache
def load_robot(name: str) -> RobotDescription:
    """Description of robot `name` (or of the robot that has it as an alias).

    Raises:
        UnknownNameError: lists the robots and aliases that exist.
        ConfigError: the file does not fit the schema.
    """
    if name in robot_names():
        return _read(name)
    aliases = {alias: own for own in robot_names() for alias in _read(own).file.aliases}
    if name in aliases:
        return _read(aliases[name])
    raise UnknownNameError('robot', name, known=[*robot_names(), *aliases])


@cache
def _read(name: str) -> RobotDescription:
    with as_file(files('vla_mbpo.robots') / f'{name}.yaml') as path:
        file = load(RobotFile, path)
        if file.name != name:
            raise ConfigError(
                str(path), [f'name: expected {name!r} as in the file name, got {file.name!r}']
            )
        return RobotDescription.from_file(file, source=str(path))
