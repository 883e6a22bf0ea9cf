"""Writes episode datasets: journal first, publish by rename. `DatasetWriter.open` is the entry."""

import errno
import logging
import shutil
import uuid
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import NoReturn

from vla_mbpo.episodes.folder import DatasetFolder
from vla_mbpo.episodes.journal import Journal
from vla_mbpo.episodes.journal import JournalHeader
from vla_mbpo.episodes.lock import FolderLock
from vla_mbpo.episodes.metadata import check_folder
from vla_mbpo.episodes.metadata import check_spec
from vla_mbpo.episodes.metadata import read_info
from vla_mbpo.episodes.publish import Place
from vla_mbpo.episodes.publish import publish
from vla_mbpo.episodes.record import read_records
from vla_mbpo.episodes.recovery import Recovered
from vla_mbpo.episodes.recovery import recover
from vla_mbpo.episodes.recovery import set_aside
from vla_mbpo.episodes.report import SyncReport
from vla_mbpo.episodes.row_check import row_problem
from vla_mbpo.episodes.schema import DatasetSpec
from vla_mbpo.episodes.schema import EpisodeInfo
from vla_mbpo.episodes.schema import EpisodeResult
from vla_mbpo.episodes.schema import EpisodeSummary
from vla_mbpo.episodes.schema import Row
from vla_mbpo.episodes.totals import Totals
from vla_mbpo.episodes.video import QUEUED_FRAMES
from vla_mbpo.errors import DatasetError

logger = logging.getLogger(__name__)

DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
MIN_FREE_BYTES = 500_000_000
"""Space that a new episode must find: several minutes of three cameras."""


class EpisodeWriter:
    """The one open episode of a `DatasetWriter`, which makes it."""

    def __init__(self, writer: 'DatasetWriter', journal: Journal) -> None:
        self._writer = writer
        self._journal = journal
        self._is_open = True

    @property
    def index(self) -> int:
        """Index that the episode gets when it is saved."""
        return self._journal.header.episode

    @property
    def rows(self) -> int:
        """Rows so far."""
        return self._journal.rows

    @property
    def flagged_rows(self) -> int:
        """Rows so far with at least one flag."""
        return self._journal.flagged_rows

    def add(self, row: Row) -> None:
        """Store a row without waiting for the encoders; its pictures must not be changed afterwards.

        Where an encoder is behind, the picture before is stored again, and the row flagged.

        Raises:
            DatasetError: the row does not fit the dataset or is not finite (the episode goes on), or
                the disk is full (the episode has ended; its rows are kept aside).
        """
        self._check_open()
        if problem := row_problem(row, self._journal.header.spec):
            where = f'row {self.rows} of episode {self.index}'
            raise DatasetError(self._writer.root, f'{where}: {problem}')
        try:
            self._journal.add(row)
        except (OSError, ValueError) as error:
            self._fail(error)

    def finish(self, result: EpisodeResult, report: SyncReport | None = None) -> EpisodeSummary:
        """Save the episode; when this returns it survives anything.

        Raises:
            DatasetError: there are no rows, or it could not be saved (its rows are kept aside).
        """
        self._check_open()
        if not self.rows:
            self.discard()
            raise DatasetError(self._writer.root, f'episode {self.index} has no rows; not saved')
        try:
            self._journal.close()
            self._journal.write_result(result, asdict(report) if report else {})
            summary = self._writer.commit(self._journal, result, report)
        except (OSError, ValueError, DatasetError) as error:
            self._fail(error)
        self._is_open = False
        return summary

    def discard(self) -> None:
        """Throw the episode away, without a trace."""
        self._check_open()
        self._is_open = False
        self._journal.cancel()
        self._journal.remove()
        self._writer.release(self)

    def abandon(self) -> None:
        """Stop recording and leave the journal as a crash would; for shutting down."""
        if self._is_open:
            self._is_open = False
            self._journal.cancel()
            self._writer.release(self)

    def _fail(self, error: Exception) -> NoReturn:
        rows = self.rows
        self.abandon()
        kept = set_aside(self._writer.folder, self.index)
        is_full = isinstance(error, OSError) and error.errno in DISK_FULL
        why = 'the disk is full' if is_full else str(error)
        problem = (
            f'episode {self.index} was not saved: {why}. Its {rows} rows are kept at {kept.kept_at}; '
            f'the {self._writer.episodes} saved episodes are intact'
        )
        raise DatasetError(self._writer.root, problem) from error

    def _check_open(self) -> None:
        if not self._is_open:
            raise DatasetError(self._writer.root, f'episode {self.index} is not open any more')


class DatasetWriter:
    """Adds episodes to one dataset folder, one at a time; a context manager.

    Leaving the context with an open episode abandons it: its journal stays, and the next `open`
    reports it. Made by `open`.
    """

    def __init__(
        self, folder: DatasetFolder, spec: DatasetSpec, *, min_free_bytes: int, queued_frames: int
    ) -> None:
        self.folder = folder
        self.recovered: tuple[Recovered, ...] = ()
        """What an interrupted recorder left behind; `open` has set it aside."""
        self._spec = spec
        self._lock = FolderLock(folder.root, folder.lock)
        self._totals = Totals(folder, spec)
        self._min_free_bytes = min_free_bytes
        self._queued_frames = queued_frames
        self._open: EpisodeWriter | None = None

    @classmethod
    def open(
        cls,
        root: Path,
        spec: DatasetSpec,
        *,
        min_free_bytes: int = MIN_FREE_BYTES,
        queued_frames: int = QUEUED_FRAMES,
    ) -> 'DatasetWriter':
        """Create the dataset, or continue it; up to `queued_frames` pictures per camera wait for its encoder.

        Raises:
            DatasetError: it belongs to another robot, rate, camera set or layout, another process
                writes to it, it is damaged, or the folder is something else. Nothing in it was changed.
        """
        folder = DatasetFolder(root)
        check_spec(folder, spec)
        check_folder(folder, spec)
        writer = cls(folder, spec, min_free_bytes=min_free_bytes, queued_frames=queued_frames)
        try:
            folder.journal.mkdir(parents=True, exist_ok=True)
            writer.take_over()
        except OSError as error:
            raise DatasetError(root, f'cannot be written to: {error.strerror}') from error
        return writer

    @property
    def root(self) -> Path:
        """The dataset folder."""
        return self.folder.root

    @property
    def episodes(self) -> int:
        """Number of saved episodes, which is the index of the next one."""
        return len(self._totals.records)

    @property
    def summaries(self) -> tuple[EpisodeSummary, ...]:
        """Saved episodes in order."""
        return tuple(record.summary(self._spec.fps) for record in self._totals.records)

    def take_over(self) -> None:
        """Lock the folder, set leftovers aside and bring derived files up to date.

        Raises:
            DatasetError: another process writes to it, or it is damaged.
        """
        with ExitStack() as undo:
            self._lock.acquire()
            undo.callback(self._lock.release)
            check_folder(self.folder, self._spec)
            records = read_records(self.folder, self._spec)
            self._totals.load(records)
            ids = {record.recording_id for record in records}
            self.recovered = recover(self.folder, saved=len(records), recording_ids=ids)
            if not _is_up_to_date(self.folder, self._totals):
                self._totals.write()
            undo.pop_all()

    def start(self, info: EpisodeInfo) -> EpisodeWriter:
        """Open the next episode.

        Raises:
            DatasetError: one is open already, the disk is nearly full, or it cannot be written.
        """
        if self._open is not None:
            raise DatasetError(self.root, f'episode {self._open.index} is still open')
        self._check_space()
        header = JournalHeader(
            episode=self.episodes, recording_id=uuid.uuid4().hex, info=info, spec=self._spec
        )
        journal = Journal(
            self.folder.journal_of(self.episodes), header, queued_frames=self._queued_frames
        )
        try:
            if journal.folder.exists():
                kept = set_aside(self.folder, self.episodes)
                logger.warning('dataset %s: %s', self.root, kept)
            journal.open()
        except OSError as error:
            shutil.rmtree(journal.folder, ignore_errors=True)
            problem = f'episode {self.episodes} cannot be started: {error.strerror}'
            raise DatasetError(self.root, problem) from error
        self._open = EpisodeWriter(self, journal)
        return self._open

    def commit(
        self, journal: Journal, result: EpisodeResult, report: SyncReport | None
    ) -> EpisodeSummary:
        """Save a closed journal as the next episode and remove it; `EpisodeWriter.finish` calls it.

        Raises:
            DatasetError, OSError: it is not saved; the journal is as it was.
        """
        place = Place(
            first_index=self._totals.frames,
            task_index=self._totals.task_index(journal.header.info.instruction),
        )
        published = publish(self.folder, journal, place, result, report)
        self._totals.add(published.record, published.columns)
        self._open = None
        try:
            self._totals.write()
            journal.remove()
        except OSError:
            # The episode is committed; the next save or open derives these files again.
            logger.exception('dataset %s: totals are not up to date', self.root)
        return published.record.summary(self._spec.fps)

    def release(self, episode: EpisodeWriter) -> None:
        """Forget the open episode; `EpisodeWriter` calls it when it ends."""
        if self._open is episode:
            self._open = None

    def close(self) -> None:
        """Abandon an open episode and give the folder free; twice does no harm."""
        if self._open is not None:
            self._open.abandon()
        self._lock.release()

    def __enter__(self) -> 'DatasetWriter':
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _check_space(self) -> None:
        free = shutil.disk_usage(self.root).free
        if free < self._min_free_bytes:
            has, needs = f'{free / 1e6:.0f} MB', f'{self._min_free_bytes / 1e6:.0f} MB'
            raise DatasetError(self.root, f'{has} free on its disk, an episode needs {needs}')


def _is_up_to_date(folder: DatasetFolder, totals: Totals) -> bool:
    if not folder.info.exists() or (totals.records and not folder.stats.exists()):
        return False
    return read_info(folder) == totals.info()
