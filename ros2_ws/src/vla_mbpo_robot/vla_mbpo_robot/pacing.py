"""When simulated things happen, and how fast simulated time may run. Pure: time is passed in."""

from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Periodic:
    """Event `name` at phase, phase + period, ... of simulated time, in ns."""

    name: str
    period_ns: int
    phase_ns: int = 0

    def next_after(self, time_ns: int) -> int:
        """First occurrence later than `time_ns`."""
        passed = (time_ns - self.phase_ns) // self.period_ns
        return self.phase_ns + (passed + 1) * self.period_ns


def next_events(events: tuple[Periodic, ...], time_ns: int) -> tuple[int, tuple[str, ...]]:
    """The next moment after `time_ns` at which something is due, and all that is due then."""
    moments = {event.name: event.next_after(time_ns) for event in events}
    soonest = min(moments.values())
    return soonest, tuple(name for name, moment in moments.items() if moment == soonest)


class Pacer:
    """How far simulated time may have come at a wall time.

    When the machine cannot hold the speed factor, the lost time is forgotten rather than caught up: simulation then
    runs slower, and nobody downstream sees a burst.
    """

    def __init__(self, speed_factor: float, *, max_lag_s: float = 0.05) -> None:
        self._speed_factor = speed_factor
        self._max_lag_s = max_lag_s
        self._wall_s: float | None = None
        self._sim_s = 0.0

    def target_s(self, wall_s: float, reached_s: float) -> float:
        """Simulated seconds to have reached at `wall_s`, given how far it has come."""
        if self._wall_s is None:
            self._wall_s, self._sim_s = wall_s, reached_s
        target_s = self._sim_s + (wall_s - self._wall_s) * self._speed_factor
        if target_s - reached_s > self._max_lag_s:
            self._wall_s, self._sim_s = wall_s, reached_s + self._max_lag_s
            target_s = self._sim_s
        return target_s


class CommandLead:
    """Keeps simulated time from running ahead of whoever commands the robot.

    On a busy machine the command gate falls behind; a real robot cannot wait for it, a simulated one can. Where no
    command arrives for `patience_s` of wall time, nobody commands, and time is free to run.
    """

    def __init__(self, *, lead_s: float = 0.03, patience_s: float = 0.25) -> None:
        self._lead_ns = round(lead_s * 1e9)
        self._patience_s = patience_s
        self._stamp_ns = 0
        self._seen_s = float('-inf')

    def seen(self, stamp_ns: int, wall_s: float) -> None:
        """A command stamped `stamp_ns` (simulated time) arrived."""
        self._stamp_ns, self._seen_s = stamp_ns, wall_s

    def is_silent(self, wall_s: float) -> bool:
        """True when nobody has commanded for longer than the patience."""
        return wall_s - self._seen_s > self._patience_s

    def limit(self, target_ns: int, wall_s: float) -> int:
        """The simulated time that may be reached on the way to `target_ns`."""
        if self.is_silent(wall_s):
            return target_ns
        return min(target_ns, self._stamp_ns + self._lead_ns)


class SpeedMeter:
    """Simulated seconds per wall second over a sliding window of wall time."""

    def __init__(self, window_s: float = 1.0) -> None:
        self._window_s = window_s
        self._seen: deque[tuple[float, float]] = deque()

    def factor(self, wall_s: float, sim_s: float) -> float:
        """Speed since the oldest call within the window; 0 at the first call."""
        self._seen.append((wall_s, sim_s))
        while self._seen[0][0] < wall_s - self._window_s:
            self._seen.popleft()
        first_wall_s, first_sim_s = self._seen[0]
        return (sim_s - first_sim_s) / (wall_s - first_wall_s) if wall_s > first_wall_s else 0.0
