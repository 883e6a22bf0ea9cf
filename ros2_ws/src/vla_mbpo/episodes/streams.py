"""Buffers of stamped samples, one per stream, with the questions that pairing asks of them."""

from collections import deque
from dataclasses import dataclass
from typing import Generic
from typing import Literal
from typing import TypeVar

from vla_mbpo.episodes.schema import Vector

T = TypeVar('T')
PushOutcome = Literal['kept', 'repeated', 'rejected']


@dataclass(kw_only=True, eq=False)
class Sample(Generic[T]):
    """A value and when it was true."""

    t_ns: int
    value: T
    is_repeated: bool = False
    """Its stamp (the first value is kept), or its frame number, was delivered before."""


class Stream(Generic[T]):
    """Samples in time order. Questions must come in time order too: each one drops what is older than its answer."""

    def __init__(self, max_jump_ns: int) -> None:
        self._max_jump_ns = max_jump_ns
        self._samples: deque[Sample[T]] = deque()

    @property
    def newest_ns(self) -> int | None:
        """Stamp of the newest sample; at least one sample is always held once there was one."""
        return self._samples[-1].t_ns if self._samples else None

    def push(self, t_ns: int, value: T) -> PushOutcome:
        """Add a sample, unless its stamp repeats, runs backwards or jumps ahead."""
        if self._samples:
            newest = self._samples[-1]
            if t_ns == newest.t_ns:
                newest.is_repeated = True
                return 'repeated'
            if not newest.t_ns < t_ns <= newest.t_ns + self._max_jump_ns:
                return 'rejected'
        self._samples.append(Sample(t_ns=t_ns, value=value))
        return 'kept'

    def at(self, t_ns: int) -> Sample[T] | None:
        """The sample with exactly this stamp, if it is held."""
        return next((s for s in reversed(self._samples) if s.t_ns == t_ns), None)

    def covers(self, t_ns: int) -> bool:
        """Whether no later sample can change the answer for `t_ns`."""
        return bool(self._samples) and self._samples[-1].t_ns >= t_ns

    def around(self, t_ns: int) -> tuple[Sample[T] | None, Sample[T] | None]:
        """The last sample at or before `t_ns` and the first one after it."""
        self.trim(t_ns)
        if not self._samples:
            return None, None
        first = self._samples[0]
        if first.t_ns > t_ns:
            return None, first
        return first, self._samples[1] if len(self._samples) > 1 else None

    def nearest(self, t_ns: int) -> Sample[T] | None:
        """The sample closest to `t_ns`, the earlier one of two that are equally close."""
        before, after = self.around(t_ns)
        if before is None or after is None:
            return before or after
        return before if t_ns - before.t_ns <= after.t_ns - t_ns else after

    def latest(self, t_ns: int) -> Sample[T] | None:
        """The last sample at or before `t_ns`."""
        return self.around(t_ns)[0]

    def first_from(self, t_ns: int | None) -> Sample[T] | None:
        """The first sample at or after `t_ns`; the oldest one for None."""
        return next((s for s in self._samples if t_ns is None or s.t_ns >= t_ns), None)

    def trim(self, t_ns: int) -> None:
        """Drop what is older than the last sample at or before `t_ns`."""
        while len(self._samples) > 1 and self._samples[1].t_ns <= t_ns:
            self._samples.popleft()

    def keep_between(self, first_ns: int, last_ns: int) -> None:
        """Drop every sample outside [first_ns, last_ns]."""
        self._samples = deque(s for s in self._samples if first_ns <= s.t_ns <= last_ns)


def interpolate(stream: Stream[Vector], t_ns: int, max_gap_ns: int) -> tuple[Vector, bool]:
    """Value at `t_ns`, linear between its neighbours, and whether these are at most `max_gap_ns` apart.

    With a neighbour on one side only, its value is held and the answer is not sound.
    The stream must hold a sample.
    """
    before, after = stream.around(t_ns)
    if before is not None and before.t_ns == t_ns:
        return before.value, True
    if before is None or after is None:
        held = before or after
        assert held is not None
        return held.value, False
    span_ns = after.t_ns - before.t_ns
    share = (t_ns - before.t_ns) / span_ns
    return before.value + share * (after.value - before.value), span_ns <= max_gap_ns
