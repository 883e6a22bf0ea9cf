"""`RobotDescription`: the one source of a robot's names, order, limits, geometry and cameras."""

from collections.abc import Iterable
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import replace
from functools import cached_property
from typing import Protocol
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from vla_mbpo.errors import ConfigError
from vla_mbpo.errors import UnknownNameError
from vla_mbpo.robots.checks import part_problems
from vla_mbpo.robots.checks import reference_problems
from vla_mbpo.robots.dims import layout_of
from vla_mbpo.robots.layout import Layout
from vla_mbpo.robots.schema import WORLD
from vla_mbpo.robots.schema import Camera
from vla_mbpo.robots.schema import Group
from vla_mbpo.robots.schema import RobotFile
from vla_mbpo.robots.tree import Joint
from vla_mbpo.robots.tree import Link
from vla_mbpo.robots.tree import Mount

__all__ = ['WORLD', 'RobotDescription']


@dataclass(frozen=True, kw_only=True)
class RobotDescription:
    """A robot with its parts mounted: `links` and `joints` carry final names.

    `action` and `state` say what each number of the two vectors is; everything that depends on how many joints a
    robot has asks them.
    """

    file: RobotFile
    links: tuple[Link, ...]
    joints: tuple[Joint, ...]
    """A joint comes after the one that carries its parent link."""
    action: Layout
    state: Layout

    @classmethod
    def from_file(cls, file: RobotFile, *, source: str) -> 'RobotDescription':
        """Mount the parts, check every reference, derive the layouts.

        Raises:
            ConfigError: all dangling or inconsistent references at once.
        """
        problems = list(part_problems(file))
        if problems:
            raise ConfigError(source, problems)
        links = tuple(link for mount in file.mounts for link in _links(file, mount))
        joints = tuple(joint for mount in file.mounts for joint in _joints(file, mount))
        problems = list(reference_problems(file, links, joints))
        if problems:
            raise ConfigError(source, problems)
        joints = _parents_first(joints, source)
        groups = {group.name: group for group in file.groups}
        by_name = {joint.name: joint for joint in joints}
        return cls(
            file=file,
            links=links,
            joints=joints,
            action=layout_of([groups[name] for name in file.action], by_name),
            state=layout_of([groups[name] for name in file.state], by_name),
        )

    @property
    def name(self) -> str:
        """Name used everywhere: files, launch arguments, datasets."""
        return self.file.name

    @property
    def groups(self) -> tuple[Group, ...]:
        """Groups of joints in file order."""
        return self.file.groups

    @property
    def cameras(self) -> tuple[Camera, ...]:
        """Cameras in stored order."""
        return self.file.cameras

    @cached_property
    def camera_names(self) -> tuple[str, ...]:
        """Camera names in stored order."""
        return tuple(camera.name for camera in self.cameras)

    @cached_property
    def moving_joints(self) -> tuple[Joint, ...]:
        """Joints that are not fixed."""
        return tuple(joint for joint in self.joints if joint.type != 'fixed')

    @cached_property
    def enabled_dims(self) -> NDArray[np.bool_]:
        """True for each action dim whose group may move, shape [A]."""
        enabled = np.array([self.group(dim.group).enabled for dim in self.action])
        enabled.flags.writeable = False
        return enabled

    def joint(self, name: str) -> Joint:
        """Joint by name.

        Raises:
            UnknownNameError: lists the joints that exist.
        """
        return _find('joint', name, self.joints, self.name)

    def link(self, name: str) -> Link:
        """Link by name.

        Raises:
            UnknownNameError: lists the links that exist.
        """
        return _find('link', name, self.links, self.name)

    def group(self, name: str) -> Group:
        """Group by name.

        Raises:
            UnknownNameError: lists the groups that exist.
        """
        return _find('group', name, self.groups, self.name)

    def camera(self, name: str) -> Camera:
        """Camera by name.

        Raises:
            UnknownNameError: lists the cameras that exist.
        """
        return _find('camera', name, self.cameras, self.name)


class _Named(Protocol):
    @property
    def name(self) -> str: ...


NamedT = TypeVar('NamedT', bound=_Named)


def _find(kind: str, name: str, items: Iterable[NamedT], where: str) -> NamedT:
    known = {item.name: item for item in items}
    if name not in known:
        raise UnknownNameError(kind, name, known=known, where=where)
    return known[name]


def _links(file: RobotFile, mount: Mount) -> Iterator[Link]:
    for link in file.parts[mount.part].links:
        yield replace(link, name=mount.prefix + link.name)


def _joints(file: RobotFile, mount: Mount) -> Iterator[Joint]:
    """The part's joints with prefix, after the fixed joint that mounts its root."""
    part, prefix = file.parts[mount.part], mount.prefix
    yield Joint(
        name=f'{prefix}{part.root}_mount',
        type='fixed',
        parent=mount.parent,
        child=prefix + part.root,
        origin=mount.origin,
    )
    for joint in part.joints:
        yield replace(
            joint,
            name=prefix + joint.name,
            parent=prefix + joint.parent,
            child=prefix + joint.child,
            mimic=prefix + joint.mimic if joint.mimic else None,
        )


def _parents_first(joints: tuple[Joint, ...], source: str) -> tuple[Joint, ...]:
    """`joints` sorted so that parents are placed before children.

    Raises:
        ConfigError: some links hang on each other in a circle.
    """
    placed, waiting, ordered = {WORLD}, list(joints), list[Joint]()
    while ready := [joint for joint in waiting if joint.parent in placed]:
        placed.add(ready[0].child)
        ordered.append(ready[0])
        waiting.remove(ready[0])
    if waiting:
        names = ', '.join(joint.name for joint in waiting)
        raise ConfigError(source, [f'joints do not reach {WORLD!r}: {names}'])
    return tuple(ordered)
