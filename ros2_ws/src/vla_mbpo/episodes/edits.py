"""Changes to saved episodes: relabel, remove, restore, undo. The files of all other episodes stay as they are.

Every change is a line in `meta/edits.jsonl` first. A removed episode is hidden by that line at once; if it is the last
one, its files move out of the dataset too, so that its index is free again.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pyarrow as pa

from vla_mbpo.episodes.edit_log import NO
from vla_mbpo.episodes.edit_log import NOT_AN_UNDO
from vla_mbpo.episodes.edit_log import OUTCOME
from vla_mbpo.episodes.edit_log import REMOVED
from vla_mbpo.episodes.edit_log import YES
from vla_mbpo.episodes.edit_log import Edit
from vla_mbpo.episodes.edit_log import Field
from vla_mbpo.episodes.edit_log import append_edit
from vla_mbpo.episodes.edit_log import last_edit
from vla_mbpo.episodes.edit_log import now_utc
from vla_mbpo.episodes.edit_log import read_edits
from vla_mbpo.episodes.edit_log import removed_ids
from vla_mbpo.episodes.edit_log import user_name
from vla_mbpo.episodes.features import DEFAULT_COLUMNS
from vla_mbpo.episodes.files import make_folder
from vla_mbpo.episodes.files import move_into_place
from vla_mbpo.episodes.files import read_table
from vla_mbpo.episodes.files import write_table
from vla_mbpo.episodes.folder import REMOVED_PREFIX
from vla_mbpo.episodes.folder import DatasetFolder
from vla_mbpo.episodes.folder import episode_of
from vla_mbpo.episodes.journal import throw_away
from vla_mbpo.episodes.lock import FolderLock
from vla_mbpo.episodes.metadata import read_info
from vla_mbpo.episodes.metadata import spec_of
from vla_mbpo.episodes.publish import commit
from vla_mbpo.episodes.publish import with_default_columns
from vla_mbpo.episodes.record import EpisodeRecord
from vla_mbpo.episodes.record import read_record
from vla_mbpo.episodes.record import read_records
from vla_mbpo.episodes.schema import DatasetSpec
from vla_mbpo.episodes.schema import Outcome
from vla_mbpo.episodes.schema import image_key
from vla_mbpo.episodes.totals import Totals
from vla_mbpo.errors import DatasetError

Label = Literal['success', 'failure']
STAGING = 'staging'
OUTCOMES: dict[str, Outcome] = {'success': 'success', 'failure': 'failure'}


class Editor:
    """Changes episodes of a dataset that the caller has locked and whose totals it holds."""

    def __init__(self, folder: DatasetFolder, spec: DatasetSpec, totals: Totals) -> None:
        self._folder = folder
        self._spec = spec
        self._totals = totals
        self.who = user_name()
        """Who the log says made the changes; the user of this process unless set."""

    def relabel(self, episode: int, outcome: Outcome, *, undoes: int = NOT_AN_UNDO) -> Edit:
        """Change the outcome of an episode: its own metadata file and nothing else.

        Raises:
            DatasetError: there is no such episode.
            OSError: the disk is full.
        """
        record = self._record(episode)
        edit = self._log(record, OUTCOME, record.result.outcome, outcome, undoes)
        self._write_outcome(record, outcome)
        return edit

    def remove(self, episode: int, *, undoes: int = NOT_AN_UNDO) -> Edit:
        """Hide an episode; removed episodes at the end of the set move out of it, until they are restored.

        Raises:
            DatasetError: there is no such episode.
            OSError: the folder cannot be written.
        """
        record = self._record(episode)
        edit = self._log(record, REMOVED, NO, YES, undoes)
        self.settle()
        return edit

    def restore(self, recording_id: str, *, undoes: int = NOT_AN_UNDO) -> Edit:
        """Bring a removed recording back: at its place, or at the end of the set if it had moved out.

        Raises:
            DatasetError: no such recording is removed, or its files are gone.
            OSError: the disk is full.
        """
        if recording_id not in self.hidden:
            raise DatasetError(self._folder.root, f'no recording {recording_id!r} is removed')
        home = self._folder.removed(recording_id)
        if home.is_dir():
            record = self._bring_back(home)
        else:
            record = next(r for r in self._totals.records if r.recording_id == recording_id)
        edit = self._log(record, REMOVED, YES, NO, undoes)
        if home.is_dir():
            throw_away(home)
        return edit

    def undo_last(self) -> Edit:
        """Take back the newest change that has not been taken back.

        Raises:
            DatasetError: there is none.
            OSError: the disk is full.
        """
        edits = read_edits(self._folder)
        number = last_edit(edits)
        if number is None:
            raise DatasetError(self._folder.root, 'there is nothing to undo')
        edit = edits[number]
        if edit.field == REMOVED and edit.new == YES:
            return self.restore(edit.recording_id, undoes=number)
        episode = self._index_of(edit.recording_id)
        if edit.field == REMOVED:
            return self.remove(episode, undoes=number)
        return self.relabel(episode, _outcome(edit.old), undoes=number)

    @property
    def hidden(self) -> frozenset[str]:
        """Recordings that are removed."""
        return removed_ids(read_edits(self._folder))

    def settle(self) -> None:
        """Bring the files in line with the edit log: finish what was cut short, and derive the totals again.

        Raises:
            DatasetError: a data file is corrupt.
            OSError: the folder cannot be written.
        """
        self._settle_labels()
        self._settle_removed(self.hidden)
        hidden = self.hidden
        kept = list(self._totals.records)
        while kept and kept[-1].recording_id in hidden:
            self._move_out(kept.pop())
        if len(kept) != len(self._totals.records):
            self._totals.load(kept)
            self._totals.write()

    def _settle_removed(self, hidden: frozenset[str]) -> None:
        committed = {record.recording_id for record in self._totals.records}
        for home in sorted(self._folder.journal.glob(f'{REMOVED_PREFIX}*')):
            recording_id = home.name.removeprefix(REMOVED_PREFIX)
            if recording_id not in committed:
                self._complete(home)
                continue
            if recording_id in hidden and DatasetFolder(home).committed():
                # It was restored, only the line that says so is missing.
                record = self._totals.records[self._index_of(recording_id)]
                self._log(record, REMOVED, YES, NO, NOT_AN_UNDO)
            throw_away(home)

    def _settle_labels(self) -> None:
        """Write the labels that the log has and the metadata has not."""
        labels = {e.recording_id: e.new for e in read_edits(self._folder) if e.field == OUTCOME}
        for record in list(self._totals.records):
            label = labels.get(record.recording_id, record.result.outcome)
            if label != record.result.outcome:
                self._write_outcome(record, _outcome(label))

    def _complete(self, home: Path) -> None:
        """Move the rest of a removed episode whose move was cut short."""
        metadata = list(home.glob('meta/episodes/chunk-*/file-*.parquet'))
        for path in metadata:
            for source in self._folder.files(episode_of(path), self._spec.camera_names):
                target = home / source.relative_to(self._folder.root)
                if source.exists() and not target.exists():
                    move_into_place(source, target)

    def _move_out(self, record: EpisodeRecord) -> None:
        """The metadata first: from then on the episode is not part of the dataset."""
        home = self._folder.removed(record.recording_id)
        for source in reversed(self._folder.files(record.index, self._spec.camera_names)):
            move_into_place(source, home / source.relative_to(self._folder.root))

    def _bring_back(self, home: Path) -> EpisodeRecord:
        """Commit the files below `home` as the last episode; they stay there as well."""
        away = DatasetFolder(home)
        found = away.committed()
        if len(found) != 1:
            raise DatasetError(self._folder.root, f'{home} does not hold an episode')
        old = read_record(away, found[0], self._spec)
        place = self._totals.place(old.info.instruction)
        rows = read_table(home, away.data(old.index)).drop([c.key for c in DEFAULT_COLUMNS])
        staging = home / STAGING
        make_folder(staging)
        videos = {}
        for name in self._spec.camera_names:
            videos[name] = staging / f'{name}.mp4'
            shutil.copyfile(away.video(image_key(name), old.index), videos[name])
        record = replace(
            old,
            index=place.episode,
            first_index=place.first_index,
            task_index=place.task_index,
        )
        table = with_default_columns(rows, self._spec, place)
        saved = commit(self._folder, self._spec, record, table, videos, staging=staging)
        self._totals.add(saved.record, saved.columns)
        self._totals.write()
        return record

    def _write_outcome(self, record: EpisodeRecord, outcome: Outcome) -> None:
        path = self._folder.episode_metadata(record.index)
        table = read_table(self._folder.root, path)
        column = table.schema.get_field_index(OUTCOME)
        field = table.schema.field(column)
        write_table(path, table.set_column(column, field, pa.array([outcome], field.type)))
        result = replace(record.result, outcome=outcome)
        self._totals.records[record.index] = replace(record, result=result)

    def _record(self, episode: int) -> EpisodeRecord:
        hidden, records = self.hidden, self._totals.records
        if not 0 <= episode < len(records):
            problem = f'there is no episode {episode}; it has {len(records)}, counted from 0'
            raise DatasetError(self._folder.root, problem)
        if records[episode].recording_id in hidden:
            raise DatasetError(self._folder.root, f'episode {episode} is removed; restore it first')
        return records[episode]

    def _index_of(self, recording_id: str) -> int:
        for record in self._totals.records:
            if record.recording_id == recording_id:
                return record.index
        raise DatasetError(self._folder.root, f'recording {recording_id!r} is not in it any more')

    def _log(self, record: EpisodeRecord, field: Field, old: str, new: str, undoes: int) -> Edit:
        edit = Edit(
            time=now_utc(),
            who=self.who,
            recording_id=record.recording_id,
            episode=record.index,
            field=field,
            old=old,
            new=new,
            undoes=undoes,
        )
        append_edit(self._folder, edit)
        return edit


@contextmanager
def editing(root: Path) -> Iterator[Editor]:
    """An editor of a dataset that nobody is recording to.

    Raises:
        DatasetError: it cannot be read, or another process writes to it.
    """
    folder = DatasetFolder(root)
    spec = spec_of(folder, read_info(folder))
    lock = FolderLock(root, folder.lock)
    try:
        make_folder(folder.journal)
        lock.acquire()
        totals = Totals(folder, spec)
        totals.load(read_records(folder, spec))
        editor = Editor(folder, spec, totals)
        editor.settle()
        yield editor
    except OSError as error:
        raise DatasetError(root, f'cannot be changed: {error}') from error
    finally:
        lock.release()


def relabel(root: Path, episode: int, outcome: Label) -> Edit:
    """Change the outcome of an episode.

    Raises:
        DatasetError: there is no such episode, or another process writes to the dataset.
    """
    with editing(root) as editor:
        return editor.relabel(episode, outcome)


def remove(root: Path, episode: int) -> Edit:
    """Remove an episode from what our readers and tables show; it can be restored.

    Raises:
        DatasetError: as `relabel`.
    """
    with editing(root) as editor:
        return editor.remove(episode)


def restore(root: Path, recording_id: str | None = None) -> Edit:
    """Bring back a removed recording, the one removed last if none is named.

    Raises:
        DatasetError: nothing is removed, or another process writes to the dataset.
    """
    with editing(root) as editor:
        return editor.restore(recording_id or _removed_last(DatasetFolder(root), editor.hidden))


def undo_last(root: Path) -> Edit:
    """Take back the newest change.

    Raises:
        DatasetError: there is none, or another process writes to the dataset.
    """
    with editing(root) as editor:
        return editor.undo_last()


def _removed_last(folder: DatasetFolder, hidden: frozenset[str]) -> str:
    for edit in reversed(read_edits(folder)):
        if edit.field == REMOVED and edit.recording_id in hidden:
            return edit.recording_id
    raise DatasetError(folder.root, 'nothing is removed')


def _outcome(text: str) -> Outcome:
    return OUTCOMES.get(text, 'unlabelled')
