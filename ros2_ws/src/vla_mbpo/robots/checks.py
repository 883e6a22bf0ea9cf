"""Consistency of a robot file: every name that is referred to exists, every length fits, every home is reachable."""

from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping

from vla_mbpo.errors import nearest
from vla_mbpo.robots.schema import WORLD
from vla_mbpo.robots.schema import Group
from vla_mbpo.robots.schema import RobotFile
from vla_mbpo.robots.tree import Joint
from vla_mbpo.robots.tree import Link
from vla_mbpo.robots.tree import Part

_BASE_WIDTH = 3


def part_problems(file: RobotFile) -> Iterator[str]:
    """A sentence for each defect of parts and mounts; without any, the parts can be mounted."""
    for index, mount in enumerate(file.mounts):
        yield from _unknown(f'mounts.{index}.part', 'part', mount.part, file.parts)
    for name, part in file.parts.items():
        yield from (f'parts.{name}{problem}' for problem in _tree_problems(part))


def reference_problems(
    file: RobotFile, links: Iterable[Link], joints: Iterable[Joint]
) -> Iterator[str]:
    """A sentence for each defect of what refers to the mounted `links` and `joints`."""
    by_name = {joint.name: joint for joint in joints}
    link_names = [link.name for link in links]
    yield from (f'mounts: link {name!r} comes from two of them' for name in _twice(link_names))
    for what, name in _named_links(file):
        yield from _unknown(what, 'link', name, [WORLD, *link_names])
    for group in file.groups:
        yield from (f'groups.{group.name}.{p}' for p in _group_problems(group, by_name))
    yield from _order_problems(file)


def _named_links(file: RobotFile) -> Iterator[tuple[str, str]]:
    """Where a link is named, and the name."""
    for mount in file.mounts:
        yield f'mounts.{mount.prefix or mount.part}.parent', mount.parent
    for camera in file.cameras:
        yield f'cameras.{camera.name}.parent', camera.parent
    for group in file.groups:
        if group.tip is not None:
            yield f'groups.{group.name}.tip', group.tip
    for index, pair in enumerate(file.collision_excludes):
        for name in pair:
            yield f'collision_excludes.{index}', name


def _tree_problems(part: Part) -> Iterator[str]:
    """Every link but the root has exactly one parent, every joint joins two links."""
    links = [link.name for link in part.links]
    children = [joint.child for joint in part.joints]
    names = [joint.name for joint in part.joints]
    yield from _unknown('.root', 'link', part.root, links)
    yield from (f': link {name!r} is given twice' for name in _twice(links))
    yield from (f': joint {name!r} is given twice' for name in _twice(names))
    yield from (f': link {name!r} has two parents' for name in _twice(children))
    for joint in part.joints:
        for end in (joint.parent, joint.child):
            yield from _unknown(f'.joints.{joint.name}', 'link', end, links)
        if joint.mimic is not None:
            yield from _unknown(f'.joints.{joint.name}.mimic', 'joint', joint.mimic, names)
    orphans = set(links) - set(children) - {part.root}
    yield from (f': link {name!r} has no parent joint' for name in sorted(orphans))


def _group_problems(group: Group, joints: Mapping[str, Joint]) -> Iterator[str]:
    unknown = [p for n in group.joints for p in _unknown('joints', 'joint', n, joints)]
    if unknown:
        yield from unknown
        return
    for kind in ('gripper', 'base'):
        if (group.kind == kind) != (getattr(group, kind) is not None):
            yield f'{kind}: given for a group of kind {kind!r}, and only for it'
            return
    yield from _length_problems(group)
    if group.gripper is not None:
        yield from _gripper_problems(group, joints)
    elif group.base is None:
        yield from _home_problems(group, joints)


def _length_problems(group: Group) -> Iterator[str]:
    width = {'gripper': 1, 'base': _BASE_WIDTH}.get(group.kind, len(group.joints))
    wanted = 0 if group.kind == 'base' else width
    if len(group.home) != wanted:
        yield f'home: expected {wanted} numbers, got {len(group.home)}'
    for name in ('max_rate', 'max_rate_change'):
        value = getattr(group, name)
        if isinstance(value, tuple) and len(value) != width:
            yield f'{name}: expected one number or {width}, got {len(value)}'
    if group.kind == 'base' and len(group.joints) != _BASE_WIDTH:
        yield f'joints: expected {_BASE_WIDTH} (x, y, yaw), got {len(group.joints)}'


def _gripper_problems(group: Group, joints: Mapping[str, Joint]) -> Iterator[str]:
    gripper = group.gripper
    assert gripper is not None
    if gripper.closed_m >= gripper.open_m:
        yield f'gripper: closed_m {gripper.closed_m} must be below open_m {gripper.open_m}'
    for opening in (gripper.closed_m, gripper.open_m):
        for name in group.joints:
            limit, travel = joints[name].limit, opening / len(group.joints)
            if limit is None or not limit.lower <= travel <= limit.upper:
                yield f'gripper: opening {opening} m is beyond the limits of joint {name!r}'
    if not all(gripper.closed_m <= value <= gripper.open_m for value in group.home):
        yield f'home: {group.home} is not between closed_m and open_m'


def _home_problems(group: Group, joints: Mapping[str, Joint]) -> Iterator[str]:
    for name, home in zip(group.joints, group.home, strict=False):
        limit = joints[name].limit
        if limit is None:
            yield f'joints: {name!r} is commanded but has no limit'
        elif not limit.lower <= home <= limit.upper:
            yield f'home: {home} of {name!r} is outside {limit.lower} to {limit.upper}'


def _order_problems(file: RobotFile) -> Iterator[str]:
    groups = [group.name for group in file.groups]
    for what, order in (('action', file.action), ('state', file.state)):
        for name in order:
            yield from _unknown(what, 'group', name, groups)
        yield from (f'{what}: group {name!r} is given twice' for name in _twice(order))
    commanded = [joint for group in file.groups for joint in group.joints]
    cameras = [camera.name for camera in file.cameras]
    yield from (f'groups: {name!r} is given twice' for name in _twice(groups))
    yield from (f'groups: joint {name!r} is in two of them' for name in _twice(commanded))
    yield from (f'cameras: {name!r} is given twice' for name in _twice(cameras))


def _unknown(where: str, kind: str, name: str, known: Iterable[str]) -> Iterator[str]:
    names = list(known)
    if name not in names:
        yield f'{where}: unknown {kind} {name!r}; known: {", ".join(names)}.{nearest(name, names)}'


def _twice(names: Iterable[str]) -> list[str]:
    listed = list(names)
    return sorted({name for name in listed if listed.count(name) > 1})
