"""Protocol of a device that a person (or the scripted expert) leads the robot with."""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import Protocol

from vla_mbpo.robots.layout import Vector

ObjectPoses = Mapping[str, tuple[tuple[float, float, float], tuple[float, float, float, float]]]
"""(xyz in m, quaternion xyzw) by object name."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TeleopInput:
    """What a leader device may look at."""

    state: Vector
    """Measured state [S] of the robot."""
    time_s: float
    objects: ObjectPoses = field(default_factory=dict)
    """Ground truth of the twin; empty on a real robot."""


class Teleoperator(Protocol):
    """A leader device."""

    def engage(self, now: TeleopInput) -> None:
        """The operator takes the lead: align the device with the robot's present pose."""

    def read(self, now: TeleopInput) -> Vector | None:
        """Requested target [A], or None when the device has nothing to ask for."""

    def close(self) -> None:
        """Release the device."""
