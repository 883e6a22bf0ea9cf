"""What is known of an open episode's quality before it is saved, so that the operator hears it before labelling."""

from collections.abc import Sequence

import numpy as np

from vla_mbpo.episodes.quality import Quality
from vla_mbpo.episodes.quality import judge
from vla_mbpo.episodes.report import SyncReport
from vla_mbpo.episodes.schema import Flag
from vla_mbpo.episodes.schema import Row


class VerdictLog:
    """Keeps of each row what the verdict needs: a few numbers."""

    def __init__(self, cameras: Sequence[str]) -> None:
        self._cameras = tuple(cameras)
        self.clear()

    def __len__(self) -> int:
        return len(self._flags)

    def clear(self) -> None:
        """Begin another episode."""
        self._flags: list[int] = []
        self._tick_ns: list[int] = []
        self._skew_ns: list[list[int]] = []
        self._domains: list[list[int]] = []

    def add(self, row: Row, *, is_stalled: bool = False) -> None:
        """Take in a row; `is_stalled` says that an encoder was behind, which the row itself cannot know."""
        self._flags.append(int(row.flags | (Flag.ENCODER_STALL if is_stalled else Flag.NONE)))
        self._tick_ns.append(row.tick_ns)
        self._skew_ns.append([row.skew_ns(camera) for camera in self._cameras])
        self._domains.append([int(row.domain(camera)) for camera in self._cameras])

    def judge(self, report: SyncReport, *, fps: float) -> Quality:
        """The quality of the rows so far, of which there is at least one."""
        domains = np.array(self._domains, dtype=np.int64)
        return judge(
            flags=np.array(self._flags, dtype=np.int64),
            skew_ns=np.array(self._skew_ns, dtype=np.int64),
            tick_ns=np.array(self._tick_ns, dtype=np.int64),
            missing_start_s=report.leading_ticks / fps,
            domains={name: domains[:, k] for k, name in enumerate(self._cameras)},
            rejected={name: report.rejected.get(name, 0) for name in self._cameras},
        )
