"""Scripted experts by task name; they use inverse kinematics of their own, not the twin."""

from collections.abc import Callable

from vla_mbpo.errors import UnknownNameError
from vla_mbpo.robots import RobotDescription
from vla_mbpo_sim.experts.errors import UnreachableError
from vla_mbpo_sim.experts.expert import ScriptedExpert
from vla_mbpo_sim.experts.pick_cup import PickCupExpert

__all__ = ['ScriptedExpert', 'UnreachableError', 'expert_names', 'make_expert']

_EXPERTS: dict[str, Callable[[RobotDescription, int], ScriptedExpert]] = {'pick_cup': PickCupExpert}


def expert_names() -> tuple[str, ...]:
    """Tasks that there is a scripted expert for."""
    return tuple(_EXPERTS)


def make_expert(robot: RobotDescription, task: str, seed: int) -> ScriptedExpert:
    """Expert for task `task`; `seed` is that of the variation between its episodes.

    Raises:
        UnknownNameError: there is no expert for the task, or the robot has no layout; lists what there is.
    """
    if task not in _EXPERTS:
        raise UnknownNameError('scripted expert', task, known=_EXPERTS)
    return _EXPERTS[task](robot, seed)
