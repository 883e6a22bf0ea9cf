"""`CommandGate`: decides what the robot is told. Pure: time is passed in, nothing is published here.

It trusts nobody. A request reaches the robot only while the gate is armed, the joint state and the request are
fresh, and inside position and rate limits; on doubt the last sent targets are held and velocities are zeroed. Before
it falls silent it sends one last command of that kind, because a base may go on with the last velocity it was told.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from vla_mbpo.robots import Layout
from vla_mbpo.robots.layout import Vector
from vla_mbpo_robot.limits import limit
from vla_mbpo_robot.limits import velocities_zeroed

# A soft start ends within this share of the tolerance that triggered it.
_REACHED = 0.1


class GateMode(IntEnum):
    """States of the gate; numbers as in vla_mbpo_msgs/GateState."""

    DISARMED = 0
    ARMED = 1
    RUNNING = 2
    HOLDING = 3
    FAULT = 4


_SILENT = {GateMode.DISARMED, GateMode.FAULT}


@dataclass(frozen=True, kw_only=True)
class GateConfig:
    """Time-outs, soft start and interpolation of the gate."""

    request_period_s: float
    """Time within which a new request is reached (one policy period)."""
    state_timeout_s: float
    request_timeout_s: float
    start_tolerance: float
    soft_start_rate: float
    limit_margin: float


@dataclass(frozen=True, kw_only=True, eq=False)
class GateOutput:
    """One tick: `command` [A] to send, or None while disarmed or in fault, but for the one that stops."""

    mode: GateMode
    reason: str
    command: Vector | None
    limited: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class _Segment:
    """Straight line of the target from `start` at `start_s` to `end` at `end_s`."""

    start: Vector
    end: Vector
    start_s: float
    end_s: float

    def at(self, now_s: float) -> Vector:
        done = (now_s - self.start_s) / (self.end_s - self.start_s)
        return self.start + (self.end - self.start) * min(max(done, 0.0), 1.0)


class CommandGate:
    """State machine disarmed -> armed -> running <-> holding, and fault, from which only disarming leads out."""

    def __init__(
        self, layout: Layout, config: GateConfig, *, enabled: NDArray[np.bool_] | None = None
    ) -> None:
        """Dims where `enabled` is False are held where they were when the gate was armed."""
        self._layout = layout
        self._config = config
        self._enabled = np.ones(layout.width, dtype=bool) if enabled is None else enabled
        self._mode = GateMode.DISARMED
        self._reason = 'not armed'
        self._state: Vector | None = None
        self._state_s = -np.inf
        self._request_s = -np.inf
        self._sent = np.zeros(layout.width)
        self._segment: _Segment | None = None
        self._soft = False
        self._owes_stop = False
        self._last_s: float | None = None

    @property
    def mode(self) -> GateMode:
        """Present state."""
        return self._mode

    @property
    def reason(self) -> str:
        """Why the gate is in this state; '' while running."""
        return self._reason

    def on_state(self, measured: Vector, now_s: float) -> None:
        """Take a measured state in the action layout (velocity dims are ignored)."""
        if measured.shape != (self._layout.width,) or not np.isfinite(measured).all():
            self._fail(f'joint state is not {self._layout.width} finite numbers')
            return
        was_silent = now_s - self._state_s > self._config.state_timeout_s
        self._state, self._state_s = measured, now_s
        if was_silent and self._mode not in _SILENT:
            self._check_place(measured)

    def on_request(self, target: Vector, now_s: float) -> None:
        """Take a requested target [A]; it is reached one request period later if limits allow."""
        if self._mode in _SILENT:
            return
        if target.shape != (self._layout.width,) or not np.isfinite(target).all():
            self._fail(f'request is not {self._layout.width} finite numbers')
            return
        target = np.where(self._enabled, target, self._sent)
        if self._mode != GateMode.RUNNING:
            self._soft = self._distance(target) > self._config.start_tolerance
        self._request_s = now_s
        self._segment = _Segment(
            start=self._sent,
            end=target,
            start_s=now_s,
            end_s=now_s + self._config.request_period_s,
        )
        self._enter(GateMode.RUNNING, '')

    def arm(self, now_s: float) -> str:
        """Start holding the measured pose; returns why it refuses, or ''."""
        if self._mode not in {GateMode.DISARMED, GateMode.ARMED}:
            return f'cannot arm while {self._mode.name.lower()}: disarm first'
        if self._state is None or now_s - self._state_s > self._config.state_timeout_s:
            return f'no joint state within the last {self._config.state_timeout_s:g} s'
        self._sent = velocities_zeroed(self._layout, self._state)
        self._segment, self._last_s, self._owes_stop = None, now_s, False
        self._enter(GateMode.ARMED, 'waiting for a request')
        return ''

    def disarm(self) -> None:
        """Stop sending commands; clears a fault."""
        self._segment, self._request_s = None, -np.inf
        self._enter(GateMode.DISARMED, 'not armed')

    def step(self, now_s: float) -> GateOutput:
        """What to send at `now_s`; call it at the command rate."""
        period_s = self._passed(now_s)
        if self._mode in _SILENT:
            return self._stop()
        self._check_freshness(now_s)
        if self._mode != GateMode.RUNNING or self._segment is None:
            return self._hold(period_s)
        return self._follow(self._segment, now_s, period_s)

    def _passed(self, now_s: float) -> float:
        """Time since the last tick, as far as it may be used up by motion."""
        passed_s = 0.0 if self._last_s is None else now_s - self._last_s
        self._last_s = now_s
        if passed_s < 0.0:
            # The clock was set back: the age of what came before is not known, so it is not fresh.
            self._state_s = self._request_s = -np.inf
        # After a stall, what could not be sent meanwhile is not made up for in one jump.
        return min(max(passed_s, 0.0), self._config.request_period_s)

    def _stop(self) -> GateOutput:
        command = velocities_zeroed(self._layout, self._sent) if self._owes_stop else None
        self._owes_stop = False
        return GateOutput(mode=self._mode, reason=self._reason, command=command)

    def _hold(self, period_s: float) -> GateOutput:
        """Stay; what the robot was armed with outside of its limits is brought in slowly."""
        still = velocities_zeroed(self._layout, self._sent)
        margin, rate = self._config.limit_margin, self._config.soft_start_rate
        self._sent, limited = limit(self._layout, still, still, period_s, margin, rate)
        return GateOutput(mode=self._mode, reason=self._reason, command=self._sent, limited=limited)

    def _follow(self, segment: _Segment, now_s: float, period_s: float) -> GateOutput:
        wanted = segment.at(now_s)
        rate = self._config.soft_start_rate if self._soft else np.inf
        self._sent, limited = limit(
            self._layout, wanted, self._sent, period_s, self._config.limit_margin, rate
        )
        self._soft = (
            self._soft and self._distance(segment.end) > _REACHED * self._config.start_tolerance
        )
        return GateOutput(mode=self._mode, reason='', command=self._sent, limited=limited)

    def _distance(self, target: Vector) -> float:
        """Greatest distance from what was sent that a position dim may go to reach `target`, in rad or m."""
        inside, _ = limit(self._layout, target, target, np.inf, self._config.limit_margin)
        return float(np.abs(inside - self._sent)[~self._layout.is_velocity].max(initial=0.0))

    def _check_place(self, measured: Vector) -> None:
        """A robot that was moved, or fell, while nothing was heard of it must not leap back."""
        distance = self._distance(measured)
        if distance > self._config.start_tolerance:
            self._fail(f'robot is {distance:.2f} rad or m from what was sent, after it was silent')

    def _check_freshness(self, now_s: float) -> None:
        state_age_s, request_age_s = now_s - self._state_s, now_s - self._request_s
        if state_age_s > self._config.state_timeout_s:
            self._enter(GateMode.HOLDING, f'joint state is {state_age_s:.2f} s old')
        elif self._mode == GateMode.RUNNING and request_age_s > self._config.request_timeout_s:
            self._enter(GateMode.HOLDING, f'request is {request_age_s:.2f} s old')

    def _fail(self, reason: str) -> None:
        self._segment = None
        self._enter(GateMode.FAULT, reason)

    def _enter(self, mode: GateMode, reason: str) -> None:
        if mode in _SILENT and self._mode not in _SILENT:
            self._owes_stop = True
        self._mode, self._reason = mode, reason
