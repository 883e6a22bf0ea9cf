"""`RobotDescription`: the one source of a robot's names, order, limits, geometry and cameras."""

from collections.abc import Iterable
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import replace
from functools import cached_property
from typing import Protocol
from typing import TypeVar

from vla_mbpo.errors import ConfigError
from vla_mbpo.errors import UnknownNameError
from vla_mbpo.errors import nearest
from vla_mbpo.robots.layout import Dim
from vla_mbpo.robots.layout import Layout
from vla_mbpo.robots.schema import Camera
from vla_mbpo.robots.schema import Group
from vla_mbpo.robots.schema import RobotFile
from vla_mbpo.robots.tree import Joint
from vla_mbpo.robots.tree import Link
from vla_mbpo.robots.tree import Mount
from vla_mbpo.robots.tree import Part

WORLD = 'world'


@dataclass(frozen=True, kw_only=True)
class RobotDescription:
    """A robot with its parts mounted: `links` and `joints` carry final names.

    `action` and `state` say what each number of the two vectors is; everything that depends on how many joints a
    robot has asks them.
    """

    file: RobotFile
    links: tuple[Link, ...]
    joints: tuple[Joint, ...]
    action: Layout
    state: Layout

    @classmethod
    def from_file(cls, file: RobotFile, *, source: str) -> 'RobotDescription':
        """Mount the parts, check every reference, derive the layouts.

        Raises:
            ConfigError: all dangling or inconsistent references at once.
        """
        problems = list(_mount_problems(file))
        if problems:
            raise ConfigError(source, problems)
        links = tuple(link for mount in file.mounts for link in _links(file, mount))
        joints = tuple(joint for mount in file.mounts for joint in _joints(file, mount))
        problems = list(_reference_problems(file, links, joints))
        if problems:
            raise ConfigError(source, problems)
        groups = {group.name: group for group in file.groups}
        by_name = {joint.name: joint for joint in joints}
        return cls(
            file=file,
            links=links,
            joints=joints,
            action=_layout([groups[name] for name in file.action], by_name),
            state=_layout([groups[name] for name in file.state], by_name),
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


def _mount_problems(file: RobotFile) -> Iterator[str]:
    for index, mount in enumerate(file.mounts):
        if mount.part not in file.parts:
            known = ', '.join(file.parts)
            hint = nearest(mount.part, file.parts)
            yield f'mounts.{index}.part: unknown part {mount.part!r}; known: {known}.{hint}'
    for name, part in file.parts.items():
        yield from _tree_problems(name, part)


def _tree_problems(name: str, part: Part) -> Iterator[str]:
    """Every link but the root has exactly one parent, and every joint joins two links."""
    links = [link.name for link in part.links]
    children = [joint.child for joint in part.joints]
    yield from (f'parts.{name}: link {n!r} is given twice' for n in _twice(links))
    yield from (f'parts.{name}: link {n!r} has two parents' for n in _twice(children))
    for joint in part.joints:
        for end in (joint.parent, joint.child):
            if end not in links:
                hint = nearest(end, links)
                yield f'parts.{name}: joint {joint.name!r} names unknown link {end!r}.{hint}'
    orphans = set(links) - set(children) - {part.root}
    yield from (f'parts.{name}: link {n!r} has no parent joint' for n in sorted(orphans))


def _reference_problems(
    file: RobotFile, links: tuple[Link, ...], joints: tuple[Joint, ...]
) -> Iterator[str]:
    link_names = {link.name for link in links}
    joint_by_name = {joint.name: joint for joint in joints}
    frames = link_names | {WORLD}
    for what, name in [
        *((f'mounts.{mount.prefix or mount.part}.parent', mount.parent) for mount in file.mounts),
        *((f'cameras.{camera.name}.parent', camera.parent) for camera in file.cameras),
        *((f'groups.{group.name}.tip', group.tip or WORLD) for group in file.groups),
    ]:
        if name not in frames:
            yield f'{what}: unknown link {name!r}.{nearest(name, frames)}'
    for group in file.groups:
        yield from _group_problems(group, joint_by_name)
    group_names = [group.name for group in file.groups]
    for what, order in (('action', file.action), ('state', file.state)):
        for name in order:
            if name not in group_names:
                known = ', '.join(group_names)
                yield f'{what}: unknown group {name!r}; known: {known}.{nearest(name, group_names)}'


def _group_problems(group: Group, joints: dict[str, Joint]) -> Iterator[str]:
    where = f'groups.{group.name}'
    for name in group.joints:
        if name not in joints:
            yield f'{where}.joints: unknown joint {name!r}.{nearest(name, joints)}'
    if (group.kind == 'gripper') != (group.gripper is not None):
        yield f'{where}.gripper: given for grippers, and only for them'
    if (group.kind == 'base') != (group.base is not None):
        yield f'{where}.base: given for bases, and only for them'
    wanted = {'gripper': 1, 'base': 0}.get(group.kind, len(group.joints))
    if len(group.home) != wanted:
        yield f'{where}.home: expected {wanted} numbers, got {len(group.home)}'


def _twice(names: list[str]) -> list[str]:
    return sorted({name for name in names if names.count(name) > 1})


def _layout(groups: list[Group], joints: dict[str, Joint]) -> Layout:
    return Layout(tuple(dim for group in groups for dim in _dims(group, joints)))


def _dims(group: Group, joints: dict[str, Joint]) -> Iterator[Dim]:
    if group.base is not None:
        yield from _base_dims(group)
    elif group.gripper is not None:
        yield Dim(
            name=group.name,
            group=group.name,
            unit='m',
            mode='position',
            lower=group.gripper.closed_m,
            upper=group.gripper.open_m,
            max_rate=_at(group.max_rate, 0),
            max_rate_change=_at(group.max_rate_change, 0),
            home=group.home[0],
        )
    else:
        yield from _joint_dims(group, joints)


def _joint_dims(group: Group, joints: dict[str, Joint]) -> Iterator[Dim]:
    for i, name in enumerate(group.joints):
        limit = joints[name].limit
        if limit is None:
            raise ConfigError(group.name, [f'joint {name!r} is commanded but has no limit'])
        yield Dim(
            name=name,
            group=group.name,
            unit='m' if joints[name].type == 'prismatic' else 'rad',
            mode='position',
            lower=limit.lower,
            upper=limit.upper,
            max_rate=_at(group.max_rate, i),
            max_rate_change=_at(group.max_rate_change, i),
            home=group.home[i],
        )


def _base_dims(group: Group) -> Iterator[Dim]:
    assert group.base is not None
    for i, name in enumerate(group.base.dims):
        yield Dim(
            name=name,
            group=group.name,
            unit='rad/s' if i == len(group.base.dims) - 1 else 'm/s',
            mode='velocity',
            lower=-group.base.max_velocity[i],
            upper=group.base.max_velocity[i],
            max_rate=_at(group.max_rate, i),
            max_rate_change=_at(group.max_rate_change, i),
            home=0.0,
        )


def _at(value: float | tuple[float, ...], index: int) -> float:
    return value if isinstance(value, int | float) else value[index]
