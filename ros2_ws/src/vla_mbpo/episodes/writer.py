"""Writes episode datasets: journal first, publish by rename. `DatasetWriter.open` is the entry."""

import errno
import logging
import shutil
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import NoReturn

from vla_mbpo.episodes.edit_log import Edit
from vla_mbpo.episodes.edits import Editor
from vla_mbpo.episodes.edits import Label
from vla_mbpo.episodes.folder import REMOVED_PREFIX
from vla_mbpo.episodes.folder import DatasetFolder
from vla_mbpo.episodes.info_check import info_problem
from vla_mbpo.episodes.journal import Journal
from vla_mbpo.episodes.journal import JournalHeader
from vla_mbpo.episodes.journal import retire
from vla_mbpo.episodes.journal import throw_away
from vla_mbpo.episodes.lock import FolderLock
from vla_mbpo.episodes.metadata import check_folder
from vla_mbpo.episodes.metadata import check_spec
from vla_mbpo.episodes.publish import Finished
from vla_mbpo.episodes.publish import finished
from vla_mbpo.episodes.publish import publish
from vla_mbpo.episodes.record import read_records
from vla_mbpo.episodes.recovery import Recovered
from vla_mbpo.episodes.recovery import recover
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
NEVER_NS = -1
MIN_FREE_BYTES = 500_000_000
"""Space that a new episode must find: several minutes of three cameras."""


class EpisodeWriter:
    """The one open episode of a `DatasetWriter`, which makes it."""

    def __init__(self, writer: 'DatasetWriter', journal: Journal) -> None:
        self._writer = writer
        self._journal = journal
        self._is_open = True
        self._last_ns = NEVER_NS

    @property
    def index(self) -> int:
        """Index that the episode gets when it is saved."""
        return self._writer.episodes

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
            DatasetError: the row does not fit the dataset, is not finite or not later than the one before
                (the episode goes on); or the disk is full, or the journal was removed (the episode has
                ended; the rows that are left are saved at the next start).
        """
        self._check_open()
        problem = row_problem(row, self._journal.header.spec, after_ns=self._last_ns)
        if problem is not None:
            where = f'row {self.rows} of episode {self.index}'
            raise DatasetError(self._writer.root, f'{where}: {problem}')
        try:
            self._journal.add(row)
        except (OSError, ValueError) as error:
            self._fail(error)
        self._last_ns = row.tick_ns

    def finish(self, result: EpisodeResult, report: SyncReport | None = None) -> EpisodeSummary:
        """Save the episode; when this returns it survives anything.

        Raises:
            DatasetError: there are no rows, or it could not be saved (its journal is kept).
        """
        self._check_open()
        if not self.rows:
            self.discard()
            raise DatasetError(self._writer.root, f'episode {self.index} has no rows; not saved')
        if result.outcome == 'unlabelled':
            raise DatasetError(self._writer.root, 'an episode ends with success or failure')
        try:
            self._journal.close()
            self._journal.write_result(result, report)
            summary = self._writer.commit(finished(self._journal, result, report))
        except (OSError, ValueError, DatasetError) as error:
            self._fail(error)
        self._is_open = False
        self._writer.release(self)
        return summary

    def discard(self) -> None:
        """Throw the episode away, without a trace."""
        self._check_open()
        self._is_open = False
        self._journal.cancel()
        throw_away(self._journal.folder)
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
        folder = self._journal.folder
        rest = f'kept at {folder}; the next start saves them' if folder.exists() else 'lost'
        is_full = isinstance(error, OSError) and error.errno in DISK_FULL
        why = 'the disk is full' if is_full else str(error)
        if not folder.exists():
            why = f'its journal {folder} was removed while it was recorded'
        problem = (
            f'episode {self.index} was not saved: {why}. Its {rows} rows are {rest}; '
            f'the {self._writer.episodes} saved episodes are intact'
        )
        raise DatasetError(self._writer.root, problem) from error

    def _check_open(self) -> None:
        if not self._is_open:
            raise DatasetError(self._writer.root, f'episode {self.index} is not open any more')


class DatasetWriter:
    """Adds episodes to one dataset folder, one at a time; a context manager.

    Leaving the context with an open episode abandons it: its journal stays, and the next `open`
    saves it, unlabelled. Made by `open`.
    """

    def __init__(
        self, folder: DatasetFolder, spec: DatasetSpec, *, min_free_bytes: int, queued_frames: int
    ) -> None:
        self.folder = folder
        self.recovered: tuple[Recovered, ...] = ()
        """What became of recordings that were cut short; `open` saves or keeps them."""
        self._spec = spec
        self._lock = FolderLock(folder.root, folder.lock)
        self._totals = Totals(folder, spec)
        self.editor = Editor(folder, spec, self._totals)
        """Changes to saved episodes, as `relabel`, `remove` and `undo_last` make them."""
        self._min_free_bytes = min_free_bytes
        self._queued_frames = queued_frames
        self._open: EpisodeWriter | None = None
        self._cleaner = ThreadPoolExecutor(1, thread_name_prefix='delete journals')

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
        """Saved episodes in order, without removed ones."""
        hidden = self.editor.hidden
        shown = (record for record in self._totals.records if record.recording_id not in hidden)
        return tuple(record.summary(self._spec.fps) for record in shown)

    def take_over(self) -> None:
        """Lock the folder, finish what was cut short, save what was being recorded, derive the totals again.

        Raises:
            DatasetError: another process writes to it, or it is damaged.
            OSError: it cannot be written to.
        """
        with ExitStack() as undo:
            self._lock.acquire()
            undo.callback(self._lock.release)
            check_folder(self.folder, self._spec)
            self._totals.load(read_records(self.folder, self._spec))
            self.editor.settle()
            if not self._totals.is_written():
                self._totals.write()
            self.recovered = recover(self.folder, self._spec, self._known_ids(), self._publish)
            undo.pop_all()

    def start(self, info: EpisodeInfo) -> EpisodeWriter:
        """Open the next episode.

        Raises:
            DatasetError: one is open already, the disk is nearly full, or it cannot be written.
        """
        if self._open is not None:
            raise DatasetError(self.root, f'episode {self._open.index} is still open')
        self._check_space()
        if problem := info_problem(info):
            raise DatasetError(self.root, f'episode {self.episodes} cannot be started: {problem}')
        header = JournalHeader(
            episode=self.episodes, recording_id=uuid.uuid4().hex, info=info, spec=self._spec
        )
        folder = self.folder.free_journal_of(self.episodes)
        journal = Journal(folder, header, queued_frames=self._queued_frames)
        try:
            journal.open()
        except OSError as error:
            shutil.rmtree(journal.folder, ignore_errors=True)
            problem = f'episode {self.episodes} cannot be started: {error.strerror}'
            raise DatasetError(self.root, problem) from error
        self._open = EpisodeWriter(self, journal)
        return self._open

    def commit(self, episode: Finished) -> EpisodeSummary:
        """Save a closed recording as the next episode and remove its journal; `EpisodeWriter.finish` calls it.

        Raises:
            DatasetError, OSError, ValueError: it is not saved; the journal is as it was.
        """
        summary = self._publish(episode)
        try:
            # Deleting large files takes longer than anything else here, and nobody waits for it.
            self._cleaner.submit(shutil.rmtree, retire(episode.folder), ignore_errors=True)
        except OSError:
            logger.exception('dataset %s: the next start deletes a journal', self.root)
        return summary

    def release(self, episode: EpisodeWriter) -> None:
        """Forget the open episode; `EpisodeWriter` calls it when it ends."""
        if self._open is episode:
            self._open = None

    def relabel(self, episode: int, outcome: Label) -> Edit:
        """Change the outcome of a saved episode.

        Raises:
            DatasetError: there is no such episode, or the folder cannot be written.
        """
        return self._edited(lambda: self.editor.relabel(episode, outcome))

    def remove(self, episode: int) -> Edit:
        """Remove a saved episode; it can be restored.

        Raises:
            DatasetError: there is no such episode, one is being recorded, or the folder cannot be written.
        """
        return self._edited(lambda: self.editor.remove(episode))

    def undo_last(self) -> Edit:
        """Take back the newest change: a label, a removal or a restoration.

        Raises:
            DatasetError: there is none, an episode is being recorded, or the folder cannot be written.
        """
        return self._edited(self.editor.undo_last)

    def close(self) -> None:
        """Abandon an open episode and give the folder free; twice does no harm."""
        if self._open is not None:
            self._open.abandon()
        self._cleaner.shutdown()
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

    def _edited(self, change: Callable[[], Edit]) -> Edit:
        if self._open is not None:
            problem = f'episode {self._open.index} is being recorded; finish or discard it first'
            raise DatasetError(self.root, problem)
        try:
            return change()
        except OSError as error:
            raise DatasetError(self.root, f'cannot be changed: {error}') from error

    def _publish(self, episode: Finished) -> EpisodeSummary:
        place = self._totals.place(episode.header.info.instruction)
        published = publish(self.folder, episode, place)
        self._totals.add(published.record, published.columns)
        try:
            self._totals.write()
        except OSError:
            # The episode is committed; the next save or open derives these files again.
            logger.exception('dataset %s: totals are not up to date', self.root)
        return published.record.summary(self._spec.fps)

    def _known_ids(self) -> set[str]:
        """Recordings whose journal, if there is one, holds nothing that is not in an episode."""
        homes = self.folder.journal.glob(f'{REMOVED_PREFIX}*')
        removed = {home.name.removeprefix(REMOVED_PREFIX) for home in homes}
        return removed | {record.recording_id for record in self._totals.records}

    def _check_space(self) -> None:
        free = shutil.disk_usage(self.root).free
        if free < self._min_free_bytes:
            has, needs = f'{free / 1e6:.0f} MB', f'{self._min_free_bytes / 1e6:.0f} MB'
            raise DatasetError(self.root, f'{has} free on its disk, an episode needs {needs}')
