"""How often something happens: rate, longest gap, silence. Pure: time is passed in."""

from collections import deque
from itertools import pairwise


class RateMonitor:
    """Rate of events over a sliding window of seconds."""

    def __init__(self, window_s: float = 2.0) -> None:
        self._window_s = window_s
        self._times_s: deque[float] = deque()
        self.total = 0
        """Events since the start."""

    def seen(self, now_s: float) -> None:
        """Count one event."""
        self.total += 1
        self._times_s.append(now_s)
        while self._times_s[0] < now_s - self._window_s:
            self._times_s.popleft()

    def rate_hz(self, now_s: float) -> float:
        """Events per second over the window; 0 once it is empty."""
        recent = [t for t in self._times_s if t >= now_s - self._window_s]
        span_s = max(recent[-1], now_s) - recent[0] if recent else 0.0
        return (len(recent) - 1) / span_s if span_s > 0 else 0.0

    def age_s(self, now_s: float) -> float:
        """Seconds since the last event; infinity if there was none."""
        return now_s - self._times_s[-1] if self._times_s else float('inf')

    def longest_gap_s(self) -> float:
        """Longest time between two events in the window."""
        return max((after - before for before, after in pairwise(self._times_s)), default=0.0)
