"""Protocol of a robot's hardware or twin."""

from dataclasses import dataclass
from typing import Protocol

from vla_mbpo.robots.layout import Vector


@dataclass(frozen=True, kw_only=True, eq=False)
class RobotState:
    """Measured state, each vector [S] in the order of the state layout."""

    stamp_ns: int
    position: Vector
    """rad or m; for velocity dims the integrated position (odometry)."""
    velocity: Vector
    effort: Vector


class RobotDriver(Protocol):
    """A robot that can be read and commanded; `start` and `stop` bracket its use."""

    @property
    def serials(self) -> str:
        """Serial numbers as 'part=number, ...', known after `start`; empty if there are none."""

    def start(self) -> None:
        """Connect. Motors stay limp or hold where they are."""

    def read(self) -> RobotState:
        """The newest measured state."""

    def command(self, target: Vector, stamp_ns: int) -> None:
        """Move towards `target` [A] in the units of the action layout.

        `stamp_ns` is when the gate sent it; a driver must not execute a command that is too old, and must bring
        velocity dims to zero when none has come for 0.25 s: the gate may have been killed.
        """

    def stop(self) -> None:
        """Bring the robot to its vendor's safe state (damping, zero twist) and disconnect."""
