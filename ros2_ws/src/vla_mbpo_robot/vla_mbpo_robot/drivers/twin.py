"""The MuJoCo twin as a robot: driver and cameras of one simulation, paced against wall time."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vla_mbpo.episodes.clock import NS_PER_S
from vla_mbpo.episodes.schema import ClockDomain
from vla_mbpo.robots.layout import Vector
from vla_mbpo_robot.drivers.camera import Frame
from vla_mbpo_robot.drivers.robot import RobotState
from vla_mbpo_robot.limits import velocities_zeroed
from vla_mbpo_robot.pacing import CommandLead
from vla_mbpo_robot.pacing import Pacer
from vla_mbpo_robot.pacing import Periodic
from vla_mbpo_robot.pacing import SpeedMeter
from vla_mbpo_robot.pacing import next_events

if TYPE_CHECKING:
    from vla_mbpo_sim.twin import Twin

STATE_EVENT = 'state'
SERIALS = 'twin'
"""The twin has no devices, and says so where a robot names its serial numbers."""


@dataclass(frozen=True, kw_only=True)
class TwinRates:
    """How often the twin reports, in simulated time."""

    state_hz: float
    camera_hz: tuple[tuple[str, float], ...]
    """(camera name, rate) in stored order."""
    camera_phase_s: float = 0.004
    """Free-running cameras do not expose together: each one this much after the one before."""

    def events(self) -> tuple[Periodic, ...]:
        """State reports and frames as periodic events."""
        phase_ns = round(self.camera_phase_s * NS_PER_S)
        return (
            Periodic(name=STATE_EVENT, period_ns=round(NS_PER_S / self.state_hz)),
            *(
                Periodic(name=name, period_ns=round(NS_PER_S / rate_hz), phase_ns=i * phase_ns)
                for i, (name, rate_hz) in enumerate(self.camera_hz)
            ),
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class TwinFrame:
    """A frame of one of the twin's cameras."""

    camera: str
    frame: Frame


class TwinHost:
    """Owns a `Twin`; `advance` runs it up to a wall time and yields what falls due in order.

    Simulated time never runs backwards: a reset changes the scene, not the clock.
    """

    def __init__(self, twin: 'Twin', rates: TwinRates, *, speed_factor: float) -> None:
        self.twin = twin
        self.resets = 0
        self._events = rates.events()
        self._pacer = Pacer(speed_factor)
        self._speed = SpeedMeter()
        self._lead = CommandLead()
        self._step_ns = round(NS_PER_S / twin.robot.file.servo_rate_hz)
        # Events fall between physics steps, so the time asked for runs ahead of the twin's own by less than a step.
        self._reached_ns = twin.time_ns
        self._reset_ns = twin.time_ns
        self._frames = dict.fromkeys((name for name, _ in rates.camera_hz), 0)

    @property
    def time_ns(self) -> int:
        """Simulated time since the process started."""
        return self.twin.time_ns

    def time_s(self) -> float:
        """`time_ns` in seconds."""
        return self.time_ns / NS_PER_S

    def real_time_factor(self, wall_s: float) -> float:
        """Simulated seconds per wall second over the last second."""
        return self._speed.factor(wall_s, self.time_s())

    def reset(self, seed: int, condition: str) -> None:
        """Lay the scene out anew; the clock goes on."""
        self.twin.reset(seed, condition)
        self.resets += 1
        self._reset_ns = self.time_ns

    def command(self, target: Vector, stamp_ns: int, wall_s: float) -> None:
        """Targets [A] of the servos from now on, stamped by their sender in simulated time.

        A command from before the last reset was meant for the scene before, and is not executed.
        """
        if stamp_ns >= self._reset_ns:
            self.twin.command(target)
        self._lead.seen(stamp_ns, wall_s)

    def state(self) -> RobotState:
        """Measured state now."""
        joints = self.twin.joints()
        return RobotState(
            stamp_ns=self.time_ns,
            position=joints.position,
            velocity=joints.velocity,
            effort=joints.effort,
        )

    def advance(self, wall_s: float) -> Iterator[RobotState | TwinFrame]:
        """Run until simulated time has caught up with `wall_s`; what falls due is yielded in order."""
        target_s = self._pacer.target_s(wall_s, self._reached_ns / NS_PER_S)
        target_ns = self._lead.limit(round(target_s * NS_PER_S), wall_s)
        if self._lead.is_silent(wall_s):
            self._stop_velocities()
        while True:
            moment_ns, names = next_events(self._events, self._reached_ns)
            if moment_ns > target_ns:
                return
            # Whole steps from the twin's own time: a rest that it carried would be lost at a reset.
            due_ns = moment_ns // self._step_ns * self._step_ns
            self.twin.advance((due_ns - self.time_ns) / NS_PER_S)
            self._reached_ns = moment_ns
            for name in names:
                yield self.state() if name == STATE_EVENT else self._frame(name)

    def _stop_velocities(self) -> None:
        """The watchdog of `RobotDriver`: without commands a base stands, and positions are held."""
        sent = self.twin.commanded()
        standing = velocities_zeroed(self.twin.robot.action, sent)
        if (standing != sent).any():
            self.twin.command(standing)

    def _frame(self, camera: str) -> TwinFrame:
        self._frames[camera] += 1
        frame = Frame(
            image=self.twin.render(camera),
            capture_ns=self.time_ns,
            frame_number=self._frames[camera],
            domain=ClockDomain.SIMULATED,
        )
        return TwinFrame(camera=camera, frame=frame)
