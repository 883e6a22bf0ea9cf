"""Named dims of action and state vectors, derived from groups and joint limits."""

from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping

from vla_mbpo.robots.layout import Dim
from vla_mbpo.robots.layout import Layout
from vla_mbpo.robots.schema import BaseSpec
from vla_mbpo.robots.schema import GripperSpec
from vla_mbpo.robots.schema import Group
from vla_mbpo.robots.tree import Joint


def layout_of(groups: Iterable[Group], joints: Mapping[str, Joint]) -> Layout:
    """Layout of `groups` in the given order; `joints` by name, each with a limit if it is commanded."""
    return Layout(tuple(dim for group in groups for dim in _dims(group, joints)))


def _dims(group: Group, joints: Mapping[str, Joint]) -> Iterator[Dim]:
    if group.base is not None:
        yield from _base_dims(group, group.base)
    elif group.gripper is not None:
        yield _gripper_dim(group, group.gripper)
    else:
        yield from _joint_dims(group, joints)


def _gripper_dim(group: Group, gripper: GripperSpec) -> Dim:
    return Dim(
        name=group.name,
        group=group.name,
        unit='m',
        mode='position',
        lower=gripper.closed_m,
        upper=gripper.open_m,
        max_rate=_at(group.max_rate, 0),
        max_rate_change=_at(group.max_rate_change, 0),
        home=group.home[0],
    )


def _joint_dims(group: Group, joints: Mapping[str, Joint]) -> Iterator[Dim]:
    for i, name in enumerate(group.joints):
        limit = joints[name].limit
        assert limit is not None
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


def _base_dims(group: Group, base: BaseSpec) -> Iterator[Dim]:
    for i, name in enumerate(base.dims):
        yield Dim(
            name=name,
            group=group.name,
            unit='rad/s' if i == len(base.dims) - 1 else 'm/s',
            mode='velocity',
            lower=-base.max_velocity[i],
            upper=base.max_velocity[i],
            max_rate=_at(group.max_rate, i),
            max_rate_change=_at(group.max_rate_change, i),
            home=0.0,
        )


def _at(value: float | tuple[float, ...], index: int) -> float:
    return value if isinstance(value, int | float) else value[index]
