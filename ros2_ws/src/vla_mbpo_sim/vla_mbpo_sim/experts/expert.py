"""What a scripted expert has to offer to a teleoperator."""

from collections.abc import Mapping
from typing import Protocol

from vla_mbpo.episodes.schema import Vector
from vla_mbpo_sim.scenes import ObjectPose


class ScriptedExpert(Protocol):
    """Does one task, knowing where the objects are; needs no twin and may run in another process."""

    def reset(self, state: Vector, objects: Mapping[str, ObjectPose], time_s: float) -> None:
        """Plan an episode that starts at `time_s` from `state`, [S] in the state layout.

        Raises:
            UnreachableError: the arms cannot reach the objects.
        """
        ...

    def act(self, state: Vector, time_s: float) -> Vector:
        """Absolute targets for `time_s`, [A] in the action layout; times must not decrease."""
        ...

    def is_done(self, time_s: float) -> bool:
        """True if the plan has been carried out by `time_s`."""
        ...
