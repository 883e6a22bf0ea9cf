"""What the pairing of one episode counted."""

from collections import Counter
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field

from vla_mbpo.episodes.frames import FrameStream
from vla_mbpo.episodes.schema import Flag
from vla_mbpo.episodes.schema import Row
from vla_mbpo.episodes.streams import PushOutcome


@dataclass(frozen=True, kw_only=True)
class SyncReport:
    """Counters of the synchroniser since its last start."""

    rows: int
    flagged_rows: int
    rows_by_flag: dict[str, int]
    """Rows per flag name; a row with two flags counts in both."""
    frames: dict[str, int]
    """Pictures taken in per camera, repeats and rejected ones not counted."""
    repeated: dict[str, int]
    """Pictures per camera whose capture stamp or frame number had been delivered before."""
    rejected: dict[str, int]
    """Samples per stream left out because their stamp ran backwards or jumped ahead."""
    max_skew_ns: dict[str, int]
    """Largest distance of a stored picture from its tick, per camera."""
    skew_budget_ns: int
    leading_ticks: int
    """Row periods before the first row, begun ones included, in which some stream had nothing yet."""
    incomplete_tail: int
    """Ticks at the end that lacked later samples when recording finished."""
    skipped: dict[str, int] = field(default_factory=dict)
    """Pictures per camera that the device counted and that did not arrive."""
    late: dict[str, int] = field(default_factory=dict)
    """Samples per stream that were received later than the budget after their stamp."""
    max_delay_ns: dict[str, int] = field(default_factory=dict)
    """Longest time from stamp to receipt, per stream."""


class SyncCounters:
    """Adds up a `SyncReport`."""

    def __init__(
        self, cameras: Sequence[str], *, skew_budget_ns: int, delay_budget_ns: int
    ) -> None:
        self._cameras = tuple(cameras)
        self._skew_budget_ns = skew_budget_ns
        self._delay_budget_ns = delay_budget_ns
        self.reset()

    def reset(self) -> None:
        """Back to zero."""
        self.leading_ticks = 0
        self.incomplete_tail = 0
        self._rows = 0
        self._flagged = 0
        self._by_flag: Counter[str] = Counter()
        self._outcomes: dict[PushOutcome, Counter[str]] = {
            'kept': Counter(),
            'repeated': Counter(),
            'rejected': Counter(),
        }
        self._max_skew_ns = dict.fromkeys(self._cameras, 0)
        self._late: Counter[str] = Counter()
        self._max_delay_ns: dict[str, int] = {}

    def sample(self, stream: str, outcome: PushOutcome) -> None:
        """Count what became of a sample."""
        self._outcomes[outcome][stream] += 1

    def delay(self, stream: str, delay_ns: int) -> None:
        """Note the time from a sample's stamp to its receipt."""
        self._late[stream] += delay_ns > self._delay_budget_ns
        self._max_delay_ns[stream] = max(self._max_delay_ns.get(stream, 0), delay_ns)

    def row(self, row: Row) -> None:
        """Count a row that was given out."""
        self._rows += 1
        self._flagged += row.flags != Flag.NONE
        self._by_flag.update(flag_names(row.flags))
        for camera in self._cameras:
            skew_ns = abs(row.skew_ns(camera))
            self._max_skew_ns[camera] = max(self._max_skew_ns[camera], skew_ns)

    def report(self, frames: Mapping[str, FrameStream]) -> SyncReport:
        """The counters so far, with those of the frame streams by camera."""
        repeated = {
            name: self._outcomes['repeated'][name] + stream.repeated
            for name, stream in frames.items()
        }
        return SyncReport(
            rows=self._rows,
            flagged_rows=self._flagged,
            rows_by_flag=dict(self._by_flag),
            frames={camera: self._outcomes['kept'][camera] for camera in self._cameras},
            repeated=repeated,
            rejected=dict(self._outcomes['rejected']),
            max_skew_ns=dict(self._max_skew_ns),
            skew_budget_ns=self._skew_budget_ns,
            leading_ticks=self.leading_ticks,
            incomplete_tail=self.incomplete_tail,
            skipped={name: stream.skipped for name, stream in frames.items()},
            late=dict(+self._late),
            max_delay_ns=dict(self._max_delay_ns),
        )


def flag_names(flags: Flag) -> tuple[str, ...]:
    """Names of the flags that are set, in bit order."""
    return tuple(flag.name for flag in Flag if flag.value and flag in flags and flag.name)
