"""Pairs cameras, joint states and commands into rows. Pure: stamps come in, rows go out, no clock is read.

The reference camera (the first one) is the clock. From its first frame a grid runs at the record rate, without drift;
each tick takes the reference frame nearest to the grid, and that frame's capture time is the row's `tick_ns`.

* Other cameras give the frame nearest to the tick. Further away than the budget: stored all the same, and flagged.
* Joint states are interpolated at the tick. `action` is the sent command interpolated at the end of the row's period:
  the gate moves to a request within one period, so a policy must answer the observation at t with what is reached at
  t + period. `action_requested` and `success` are the latest ones at the tick.
* A tick for which the reference camera has no frame within half a period still gives a row, at the grid time, with the
  nearest frame and `Flag.TICK_GAP`: row k always lies within half a period of the first tick + k periods.
* A row leaves when every stream covers it, or, with flags, when two streams are `max_wait_s` past its end.
* A stamp that runs backwards in its stream, jumps ahead by more than `max_jump_s`, lies in the future of its receipt or
  follows a clock that was set back, is left out and counted; rows around that time are flagged.
* A capture stamp, or a frame number, that is delivered again is a repeat: counted, flagged.
* A row waits for the metadata that its cameras send; a camera whose clock is another one than at the start is flagged.
"""

from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any
from typing import TypeVar

import numpy as np

from vla_mbpo.episodes.clock import exact_rate
from vla_mbpo.episodes.clock import ticks_ns
from vla_mbpo.episodes.clock import to_ns
from vla_mbpo.episodes.clock_watch import ClockWatch
from vla_mbpo.episodes.frames import Frame
from vla_mbpo.episodes.frames import FrameMetadata
from vla_mbpo.episodes.frames import FrameStream
from vla_mbpo.episodes.report import SyncCounters
from vla_mbpo.episodes.report import SyncReport
from vla_mbpo.episodes.schema import UNKNOWN_FRAME_NUMBER
from vla_mbpo.episodes.schema import ClockDomain
from vla_mbpo.episodes.schema import Flag
from vla_mbpo.episodes.schema import Image
from vla_mbpo.episodes.schema import Row
from vla_mbpo.episodes.schema import Source
from vla_mbpo.episodes.schema import Vector
from vla_mbpo.episodes.streams import PushOutcome
from vla_mbpo.episodes.streams import Sample
from vla_mbpo.episodes.streams import Stream
from vla_mbpo.episodes.streams import interpolate
from vla_mbpo.episodes.sync_config import SyncConfig
from vla_mbpo.errors import ShapeError
from vla_mbpo.errors import UnknownNameError

__all__ = ['SyncConfig', 'SyncReport', 'Synchronizer']

T = TypeVar('T')


class Synchronizer:
    """Takes samples in any order between streams, in time order within one; gives complete rows.

    After construction it accepts everything; `start` forgets older samples and begins a new grid; after `finish` it
    gives no rows until the next `start`, and holds only what a row at that start could need.
    """

    def __init__(
        self, config: SyncConfig, *, cameras: Sequence[str], state_width: int, action_width: int
    ) -> None:
        self._config = config
        self._period_ns = config.period_ns
        self._rate = exact_rate(config.record_rate_hz)
        self._state_width = state_width
        self._action_width = action_width
        jump_ns = to_ns(config.max_jump_s)
        self._cameras = {name: FrameStream(jump_ns) for name in cameras}
        self._frames = {name: camera.samples for name, camera in self._cameras.items()}
        self._reference_name = cameras[0]
        self._reference = self._frames[cameras[0]]
        self._state: Stream[Vector] = Stream(jump_ns)
        self._sent: Stream[Vector] = Stream(jump_ns)
        self._requested: Stream[tuple[Vector, Source]] = Stream(jump_ns)
        self._success: Stream[bool] = Stream(jump_ns)
        self._paired: tuple[Stream[Any], ...] = (*self._frames.values(), self._state, self._sent)
        error_s = config.max_clock_error_s
        error_ns = None if error_s is None else to_ns(error_s)
        names = (*cameras, 'state', 'sent', 'requested', 'success')
        self._watches = {name: ClockWatch(error_ns) for name in names}
        self._counters = SyncCounters(
            cameras,
            skew_budget_ns=config.skew_budget_ns,
            delay_budget_ns=to_ns(config.max_delay_s),
        )
        self._is_running = True
        self._first_ns: int | None = None
        self._doubt: tuple[int, int] | None = None
        self._domains: dict[str, ClockDomain] = {}
        self._begin(None)

    def start(self, t_ns: int) -> None:
        """Forget what is older than `t_ns` and begin a new grid at the first reference frame from there on.

        What lies within one row period before `t_ns` stays, because the first rows may need it. Stamps more than
        `max_wait_s` after it stem from a clock that was set back since, and are forgotten too.
        """
        first_ns, last_ns = t_ns - self._period_ns, t_ns + to_ns(self._config.max_wait_s)
        for stream in (*self._paired, self._requested):
            stream.keep_between(first_ns, last_ns)
        self._success.keep_between(t_ns, last_ns)
        for camera in self._cameras.values():
            camera.reset_counters()
        self._counters.reset()
        self._is_running = True
        self._first_ns = None
        self._doubt = None
        self._domains = {}
        self._begin(t_ns)

    @property
    def set_back(self) -> tuple[str, ...]:
        """Streams whose clock was set back; they are left out until it is right again."""
        return tuple(name for name, watch in self._watches.items() if watch.is_set_back)

    def push_frame(
        self,
        camera: str,
        image: Image,
        *,
        capture_ns: int,
        receipt_ns: int,
        frame_number: int | None = None,
        domain: ClockDomain = ClockDomain.UNKNOWN,
    ) -> None:
        """One picture, uint8 [H, W, 3] RGB; it is held, not copied.

        Raises:
            UnknownNameError: the camera was not declared.
        """
        stream = self._camera(camera)
        number = UNKNOWN_FRAME_NUMBER if frame_number is None else frame_number
        is_described = frame_number is not None or domain != ClockDomain.UNKNOWN
        metadata = FrameMetadata(domain=domain, number=number) if is_described else None
        frame = Frame(image=image, receipt_ns=receipt_ns, metadata=metadata)
        if self._is_sound(camera, capture_ns, receipt_ns):
            outcome = stream.push(capture_ns, frame)
            self._settle(stream.samples, camera, capture_ns, outcome)

    def push_frame_metadata(
        self, camera: str, *, capture_ns: int, frame_number: int, domain: ClockDomain
    ) -> None:
        """What the driver says of the picture with this stamp, before or after the picture itself.

        Raises:
            UnknownNameError: the camera was not declared.
        """
        metadata = FrameMetadata(domain=domain, number=frame_number)
        self._camera(camera).push_metadata(capture_ns, metadata)

    def push_state(self, t_ns: int, vector: Vector, *, receipt_ns: int | None = None) -> None:
        """Measured joint state [S].

        Raises:
            ShapeError: the vector is not [S].
        """
        state = _checked('state', vector, self._state_width)
        self._push(self._state, 'state', t_ns, state, receipt_ns)

    def push_sent(self, t_ns: int, vector: Vector, *, receipt_ns: int | None = None) -> None:
        """Command [A] that the gate sent to the robot.

        Raises:
            ShapeError: the vector is not [A].
        """
        command = _checked('sent', vector, self._action_width)
        self._push(self._sent, 'sent', t_ns, command, receipt_ns)

    def push_requested(
        self, t_ns: int, vector: Vector, source: Source, *, receipt_ns: int | None = None
    ) -> None:
        """Command [A] that teleoperator or policy asked for.

        Raises:
            ShapeError: the vector is not [A].
        """
        request = (_checked('requested', vector, self._action_width), source)
        self._push(self._requested, 'requested', t_ns, request, receipt_ns)

    def push_success(self, t_ns: int, success: bool) -> None:
        """Whether the task is done; False until told otherwise."""
        self._push(self._success, 'success', t_ns, success, None)

    def pop_rows(self) -> list[Row]:
        """Rows that are complete, oldest first; each is given once."""
        return list(self._ready(to_ns(self._config.max_wait_s))) if self._is_running else []

    def finish(self) -> list[Row]:
        """The rows that can still be completed; an incomplete tail is counted in the report."""
        if not self._is_running:
            return []
        rows = list(self._ready(self._period_ns))
        self._counters.incomplete_tail = self._ticks_left()
        self._is_running = False
        return rows

    def report(self) -> SyncReport:
        """Counters since the last `start`."""
        return self._counters.report(self._cameras)

    def _begin(self, start_ns: int | None) -> None:
        self._start_ns = start_ns
        self._origin_ns: int | None = None
        self._ticks = 0
        self._last: Row | None = None

    def _camera(self, name: str) -> FrameStream:
        if name not in self._cameras:
            raise UnknownNameError('camera', name, known=self._cameras)
        return self._cameras[name]

    def _push(
        self, stream: Stream[T], name: str, t_ns: int, value: T, receipt_ns: int | None
    ) -> None:
        if self._is_sound(name, t_ns, receipt_ns):
            self._settle(stream, name, t_ns, stream.push(t_ns, value))

    def _is_sound(self, name: str, t_ns: int, receipt_ns: int | None) -> bool:
        """Whether a stamp's clock can be believed; otherwise the sample counts as rejected."""
        if receipt_ns is not None:
            self._counters.delay(name, receipt_ns - t_ns)
        is_sound = self._watches[name].is_sound(t_ns, receipt_ns)
        if not is_sound:
            self._reject(name)
        return is_sound

    def _settle(self, stream: Stream[Any], name: str, t_ns: int, outcome: PushOutcome) -> None:
        """Count what became of a sample that was pushed, and drop what nobody needs any more."""
        if outcome == 'rejected':
            if stream.newest_ns is not None and t_ns < stream.newest_ns:
                self._watches[name].went_back()
            self._reject(name)
            return
        self._counters.sample(name, outcome)
        if outcome == 'kept':
            held_ns = to_ns(self._config.max_buffer_s) if self._is_running else self._period_ns
            stream.trim(t_ns - held_ns)

    def _reject(self, name: str) -> None:
        """A sample is left out: what lies between the oldest and the newest end of the streams is in doubt.

        If it is the host's clock that was set, samples from before and after it meet there.
        """
        self._counters.sample(name, 'rejected')
        ends = [stream.newest_ns for stream in self._paired if stream.newest_ns is not None]
        if ends:
            first_ns = min(ends) if self._doubt is None else min(*ends, self._doubt[0])
            self._doubt = (first_ns, max(ends) + self._period_ns)

    def _ready(self, wait_ns: int) -> Iterator[Row]:
        while (grid_ns := self._grid_ns()) is not None:
            is_due = self._is_due(grid_ns, wait_ns)
            if not (is_due or self._reference.covers(grid_ns)):
                return
            frame = self._reference.nearest(grid_ns)
            assert frame is not None
            tick_ns = self._tick_ns(grid_ns, frame)
            if not (is_due or self._is_covered(tick_ns)):
                return
            if self._last is None and not self._is_served(tick_ns):
                self._skip(frame.t_ns)
                continue
            self._last = self._row(tick_ns, frame)
            self._ticks += 1
            self._counters.row(self._last)
            yield self._last

    def _skip(self, tick_ns: int) -> None:
        """Try the next reference frame as the first row; frames may come more often than rows."""
        self._first_ns = tick_ns if self._first_ns is None else self._first_ns
        self._counters.leading_ticks = (tick_ns - self._first_ns) // self._period_ns + 1
        self._begin(tick_ns + 1)

    def _grid_ns(self) -> int | None:
        """Time of the next tick, or None while the reference camera has not begun."""
        if self._origin_ns is None:
            first = self._reference.first_from(self._start_ns)
            if first is None:
                return None
            self._origin_ns = first.t_ns
        return self._origin_ns + ticks_ns(self._ticks, self._rate)

    def _tick_ns(self, grid_ns: int, frame: Sample[Frame]) -> int:
        """The reference frame's own stamp, unless it belongs to another tick."""
        is_near = abs(frame.t_ns - grid_ns) <= self._period_ns // 2
        is_new = self._last is None or frame.t_ns > self._last.tick_ns
        return frame.t_ns if is_near and is_new else grid_ns

    def _is_due(self, grid_ns: int, wait_ns: int) -> bool:
        """Whether two streams are so far ahead that the row must not wait; one alone may have a wrong clock."""
        newest = sorted(s.newest_ns for s in self._paired if s.newest_ns is not None)
        return len(newest) > 1 and newest[-2] > grid_ns + self._period_ns + wait_ns

    def _is_covered(self, tick_ns: int) -> bool:
        others = (s for s in self._frames.values() if s is not self._reference)
        return (
            self._state.covers(tick_ns)
            and self._sent.covers(tick_ns + self._period_ns)
            and all(stream.covers(tick_ns) for stream in others)
            and all(
                camera.is_described(_held(camera.samples.nearest(tick_ns)))
                for camera in self._cameras.values()
            )
        )

    def _is_served(self, tick_ns: int) -> bool:
        """Whether every stream had begun when the row's time came."""
        return (
            self._state.latest(tick_ns) is not None
            and self._sent.latest(tick_ns + self._period_ns) is not None
            and self._requested.latest(tick_ns) is not None
            and all(stream.newest_ns is not None for stream in self._frames.values())
        )

    def _row(self, tick_ns: int, reference: Sample[Frame]) -> Row:
        frames = {
            name: reference if stream is self._reference else _held(stream.nearest(tick_ns))
            for name, stream in self._frames.items()
        }
        state, is_state_sound = interpolate(
            self._state, tick_ns, to_ns(self._config.max_state_gap_s)
        )
        action, is_action_sound = interpolate(
            self._sent, tick_ns + self._period_ns, to_ns(self._config.max_command_gap_s)
        )
        request = _held(self._requested.latest(tick_ns) or self._requested.nearest(tick_ns))
        success = self._success.latest(tick_ns)
        flags = self._frame_flags(tick_ns, frames)
        flags |= Flag.NONE if is_state_sound else Flag.STATE_GAP
        flags |= Flag.NONE if is_action_sound else Flag.COMMAND_GAP
        flags |= Flag.REJECTED_STAMP if self._is_doubtful(tick_ns) else Flag.NONE
        known = {name: frame.value.metadata or FrameMetadata() for name, frame in frames.items()}
        domains = {name: metadata.domain for name, metadata in known.items()}
        flags |= self._domain_flag(domains)
        return Row(
            tick_ns=tick_ns,
            state=state,
            action=action,
            action_requested=request.value[0],
            source=request.value[1],
            success=success is not None and success.value,
            images={name: frame.value.image for name, frame in frames.items()},
            capture_ns={name: frame.t_ns for name, frame in frames.items()},
            receipt_ns={name: frame.value.receipt_ns for name, frame in frames.items()},
            flags=flags,
            domains=domains,
            frame_numbers={name: metadata.number for name, metadata in known.items()},
        )

    def _is_doubtful(self, tick_ns: int) -> bool:
        """Whether the row's period touches a time at which samples were left out."""
        if self._doubt is None:
            return False
        first_ns, last_ns = self._doubt
        if tick_ns > last_ns:
            self._doubt = None
        return first_ns - self._period_ns <= tick_ns <= last_ns

    def _domain_flag(self, domains: dict[str, ClockDomain]) -> Flag:
        """Whether a camera's clock is another one than the first one that was known of it."""
        for name, domain in domains.items():
            if domain != ClockDomain.UNKNOWN:
                self._domains.setdefault(name, domain)
        is_same = all(domains[name] == first for name, first in self._domains.items())
        return Flag.NONE if is_same else Flag.CLOCK_DOMAIN

    def _frame_flags(self, tick_ns: int, frames: dict[str, Sample[Frame]]) -> Flag:
        flags = Flag.NONE
        for name, frame in frames.items():
            if abs(frame.t_ns - tick_ns) > self._config.skew_budget_ns:
                flags |= Flag.SKEW_OVER_BUDGET
            if frame.is_repeated or (self._last and self._last.capture_ns[name] == frame.t_ns):
                flags |= Flag.REPEATED_FRAME
        if frames[self._reference_name].t_ns != tick_ns:
            flags |= Flag.TICK_GAP
        return flags

    def _ticks_left(self) -> int:
        """Ticks from the next one to the newest reference frame."""
        grid_ns, newest_ns = self._grid_ns(), self._reference.newest_ns
        if grid_ns is None or newest_ns is None or newest_ns < grid_ns:
            return 0
        return (newest_ns - grid_ns) // self._period_ns + 1


def _held(sample: Sample[T] | None) -> Sample[T]:
    """A sample of a stream that holds at least one."""
    assert sample is not None
    return sample


def _checked(name: str, vector: Vector, width: int) -> Vector:
    """A copy of `vector`, so that the caller may reuse its own."""
    if vector.shape != (width,):
        raise ShapeError(name, expected=(width,), got=vector.shape)
    return np.array(vector, dtype=np.float64)
