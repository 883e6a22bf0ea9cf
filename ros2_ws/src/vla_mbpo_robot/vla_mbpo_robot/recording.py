"""`Recording`: streams in, episodes out. No ROS and no clock; the recorder node feeds it."""

from collections.abc import Callable
from dataclasses import replace
from typing import NoReturn

from vla_mbpo.episodes.quality import Quality
from vla_mbpo.episodes.schema import DatasetSpec
from vla_mbpo.episodes.schema import EpisodeInfo
from vla_mbpo.episodes.schema import EpisodeResult
from vla_mbpo.episodes.schema import EpisodeSummary
from vla_mbpo.episodes.schema import Flag
from vla_mbpo.episodes.schema import Row
from vla_mbpo.episodes.synchronize import SyncConfig
from vla_mbpo.episodes.synchronize import Synchronizer
from vla_mbpo.episodes.writer import DatasetWriter
from vla_mbpo.episodes.writer import EpisodeWriter
from vla_mbpo.errors import DatasetError
from vla_mbpo.errors import VlaMbpoError
from vla_mbpo_robot.verdict import VerdictLog


class Recording:
    """Pairs streams with a `Synchronizer` and writes the rows of the open episode."""

    def __init__(self, writer: DatasetWriter, spec: DatasetSpec, config: SyncConfig) -> None:
        self._writer = writer
        self.sync = Synchronizer(
            config,
            cameras=spec.camera_names,
            state_width=len(spec.state_names),
            action_width=len(spec.action_names),
        )
        self._episode: EpisodeWriter | None = None
        self._held: Row | None = None
        self._log = VerdictLog(spec.camera_names)
        self._fps = spec.fps
        self.rows = 0
        """Rows that the open (or last) episode has stored."""
        self.flagged_rows = 0
        """Those of them with at least one flag."""
        self.skew_ns: dict[str, int] = dict.fromkeys(spec.camera_names, 0)
        """Skew of each camera in the newest row."""

    @property
    def is_open(self) -> bool:
        """True while an episode is being recorded."""
        return self._episode is not None

    @property
    def saved(self) -> int:
        """Episodes in the dataset."""
        return self._writer.episodes

    def start(self, info: EpisodeInfo, t_ns: int) -> int:
        """Open an episode whose first row is the first reference frame after `t_ns`; returns its index.

        Raises:
            VlaMbpoError: an episode is open already.
            DatasetError: the writer refuses (disk nearly full, for example).
        """
        if self._episode is not None:
            raise VlaMbpoError(f'episode {self.saved} is still open: finish or discard it first')
        self._episode = self._writer.start(info)
        self._held, self.rows, self.flagged_rows = None, 0, 0
        self._log.clear()
        self.sync.start(t_ns)
        return self.saved

    def pump(self) -> None:
        """Write the rows that became complete.

        Raises:
            DatasetError: a row is unfit, the disk is full or a file cannot be written. The episode
                has ended then; its journal is kept.
        """
        rows = self.sync.pop_rows()
        if self._episode is not None:
            self._write(self._episode, rows)

    def stop(self) -> tuple[Quality, int]:
        """Take in no more rows; the episode stays open until it is finished or discarded. Twice does no harm.

        Returns:
            The quality of the episode, and its number of rows.

        Raises:
            VlaMbpoError: no episode is open, or it has no row and has ended.
            DatasetError: as `pump`.
        """
        episode = self._opened()
        self._write(episode, self.sync.finish())
        if self._held is None:
            self._end_without_rows(episode)
        if self._held is not None and len(self._log) == episode.rows:
            self._log.add(self._held)
        return self._log.judge(self.sync.report(), fps=self._fps), len(self._log)

    def finish(self, result: EpisodeResult) -> EpisodeSummary:
        """Close and save the open episode. Its last row carries the outcome, also without a detector.

        Raises:
            VlaMbpoError: no episode is open, or it has no row.
            DatasetError: as `pump`, or the episode could not be saved. It has ended; its rows are kept.
        """
        episode = self._opened()
        self._write(episode, self.sync.finish())
        last, self._held = self._held, None
        if last is None:
            self._end_without_rows(episode)
        self._store(episode, replace(last, success=result.outcome == 'success'))
        self._episode = None
        return episode.finish(result, self.sync.report())

    def discard(self) -> None:
        """Throw the open episode away.

        Raises:
            VlaMbpoError: no episode is open.
        """
        episode = self._opened()
        self._held, self._episode = None, None
        self.sync.finish()
        episode.discard()

    def edit(self, change: Callable[[DatasetWriter], object], *, who: str = '') -> None:
        """Let `change` correct saved episodes; the edit log names `who`, or the system's user if it is ''.

        Raises:
            VlaMbpoError: an episode is open.
            DatasetError: the change was refused.
        """
        if self._episode is not None:
            raise VlaMbpoError(f'episode {self.saved} is open: finish or discard it first')
        if who:
            self._writer.editor.who = who
        change(self._writer)

    def close(self) -> None:
        """Release the dataset. The journal of an open episode is kept, as after a crash."""
        self._writer.close()

    def _opened(self) -> EpisodeWriter:
        if self._episode is None:
            raise VlaMbpoError('no episode is open: start one first')
        return self._episode

    def _end_without_rows(self, episode: EpisodeWriter) -> NoReturn:
        self._episode = None
        episode.discard()
        raise VlaMbpoError('the episode has no complete row; are all streams running?')

    def _write(self, episode: EpisodeWriter, rows: list[Row]) -> None:
        """One row is held back: the last one gets its success label from the outcome."""
        for row in rows:
            if self._held is not None:
                self._store(episode, self._held)
            self._held = row
            self.skew_ns = {camera: row.skew_ns(camera) for camera in self.skew_ns}

    def _store(self, episode: EpisodeWriter, row: Row) -> None:
        try:
            episode.add(row)
        except DatasetError:
            episode.abandon()
            self._episode = None
            raise
        is_stalled = episode.flagged_rows > self.flagged_rows and row.flags == Flag.NONE
        if len(self._log) < episode.rows:
            self._log.add(row, is_stalled=is_stalled)
        self.rows, self.flagged_rows = episode.rows, episode.flagged_rows
