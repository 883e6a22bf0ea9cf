"""Makes a sound dataset out of a damaged one: of each episode the longest beginning that can be proven."""

import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from vla_mbpo.episodes.assemble import Part
from vla_mbpo.episodes.assemble import assemble
from vla_mbpo.episodes.assemble import link_or_copy
from vla_mbpo.episodes.features import FRAME_INDEX
from vla_mbpo.episodes.features import TIMESTAMP
from vla_mbpo.episodes.features import to_numpy
from vla_mbpo.episodes.finding import Progress
from vla_mbpo.episodes.finding import no_progress
from vla_mbpo.episodes.foreign import IMAGE_KINDS
from vla_mbpo.episodes.foreign import AnyDataset
from vla_mbpo.episodes.foreign import AnyEpisode
from vla_mbpo.episodes.lock import FolderLock
from vla_mbpo.episodes.rescue import RescuedDataset
from vla_mbpo.episodes.span import copy_frames
from vla_mbpo.episodes.span import stated_frames
from vla_mbpo.errors import DatasetError

FLOATS = ('float16', 'float32', 'float64')
TIMESTAMP_TOLERANCE_S = 1e-4


@dataclass(frozen=True, kw_only=True)
class Repaired:
    """What became of one episode."""

    episode: int
    """Index in the damaged set."""
    index: int | None
    """Index in the new set; None if nothing of it could be kept."""
    rows: int
    """Rows that it had, by its metadata or its rows."""
    kept: int
    reason: str
    """Why some are lost; empty if none are."""


@dataclass(frozen=True, kw_only=True)
class RepairReport:
    """What a repair found and made."""

    out: Path
    backup: Path | None
    """Where the damaged set is now, if the new one took its place."""
    episodes: tuple[Repaired, ...]
    remarks: tuple[str, ...]
    """What was damaged in the set as a whole."""

    @property
    def is_complete(self) -> bool:
        """Whether no row was lost."""
        return all(episode.kept == episode.rows for episode in self.episodes)


def repair(root: Path, out: Path, progress: Progress = no_progress) -> RepairReport:
    """Write what can be proven of a damaged dataset as a new one; the damaged one stays as it is.

    Every picture that is kept was decoded, and every row has one of each camera.

    Raises:
        DatasetError: nothing can be made of it, somebody writes to it, or `out` is not empty.
    """
    dataset = RescuedDataset(root)
    if not dataset.is_ours:
        return _repair(dataset, out, progress)
    lock = FolderLock(root, dataset.folder.lock)
    dataset.folder.journal.mkdir(exist_ok=True)
    lock.acquire()
    try:
        return _repair(dataset, out, progress)
    finally:
        lock.release()


def repair_in_place(root: Path, backup: Path, progress: Progress = no_progress) -> RepairReport:
    """As `repair`, and put the result in the place of the damaged set, which becomes `backup`.

    Raises:
        DatasetError: as `repair`; or `backup` exists or is on another disk. The set is as it was then.
    """
    if backup.exists():
        raise DatasetError(backup, 'exists already; give a new name for the backup')
    fixed = root.with_name(root.name + '.fixed')
    report = repair(root, fixed, progress)
    try:
        root.rename(backup)
    except OSError as error:
        shutil.rmtree(fixed)
        problem = f'cannot become {backup}: {error.strerror}. Choose a backup on the same disk'
        raise DatasetError(root, problem) from error
    fixed.rename(root)
    return RepairReport(out=root, backup=backup, episodes=report.episodes, remarks=report.remarks)


def _repair(dataset: RescuedDataset, out: Path, progress: Progress) -> RepairReport:
    unplaced = _unplaced(dataset)
    found: list[Repaired] = []
    parts: list[Part] = []
    for k, episode in enumerate(dataset.episodes):
        kept, reason = (
            (0, unplaced[episode.index])
            if episode.index in unplaced
            else (verified_rows(dataset, episode))
        )
        index = len(parts) if kept else None
        rows = max(episode.length, kept)
        found.append(
            Repaired(episode=episode.index, index=index, rows=rows, kept=kept, reason=reason)
        )
        parts += [Part(dataset=dataset, episode=episode, rows=kept)] if kept else []
        progress('verified', k + 1, len(dataset.episodes))
    if not parts:
        why = '; '.join([*(f'episode {e.episode}: {e.reason}' for e in found), *dataset.remarks])
        raise DatasetError(dataset.root, f'no episode can be kept: {why or "it has none"}')
    trimmed = _VideoTrimmer(dataset, parts)
    assemble(out, parts, dataset.info, copy_video=trimmed.copy, progress=progress)
    if dataset.folder.edits.exists():
        shutil.copyfile(dataset.folder.edits, out / dataset.folder.edits.relative_to(dataset.root))
    remarks = (*dataset.remarks, *_total_remarks(dataset), *trimmed.remarks)
    return RepairReport(out=out, backup=None, episodes=tuple(found), remarks=remarks)


def _total_remarks(dataset: AnyDataset) -> list[str]:
    said, has = dataset.info['total_episodes'], len(dataset.episodes)
    return [f'meta/info.json said {said} episodes, {has} were found'] if said != has else []


def verified_rows(dataset: AnyDataset, episode: AnyEpisode) -> tuple[int, str]:
    """Rows from the start of an episode that are whole and have a picture of each camera, and what ends them."""
    try:
        rows, reason = _sound_rows(dataset, episode)
    except DatasetError as error:
        return 0, str(error)
    for key, span in episode.spans.items():
        if span.count != episode.length:
            # Where the missing ones were is not known: any row after it may have a wrong picture.
            return 0, f'{key} has {span.count} pictures for {episode.length} rows'
    for key in dataset.picture_keys:
        pictures, why = _decodable(dataset, episode, key)
        if pictures < rows:
            rows, reason = pictures, f'{key} has {pictures} pictures{why}'
    return rows, reason


def _sound_rows(dataset: AnyDataset, episode: AnyEpisode) -> tuple[int, str]:
    """Rows from the start whose numbers follow each other and whose values are finite."""
    table = dataset.table(episode)
    count, reason = min(len(table), episode.length), ''
    if len(table) != episode.length:
        reason = f'there are {len(table)} rows, metadata says {episode.length}'
    if not count:
        return 0, reason or 'it has no rows'
    for key, feature in dataset.features.items():
        if feature['dtype'] in IMAGE_KINDS:
            continue
        if key not in table.column_names:
            raise DatasetError(dataset.root, f'its rows have no column {key}')
        wrong = np.flatnonzero(~_is_sound(key, feature['dtype'], table, dataset.fps)[:count])
        if wrong.size:
            count, reason = int(wrong[0]), f'{key} is wrong in row {wrong[0]}'
    return count, reason


def _is_sound(key: str, dtype: str, table: pa.Table, fps: float) -> NDArray[np.bool_]:
    """Which rows have a value of a column that can be right."""
    frame = np.arange(len(table))
    if table.column(key).null_count:
        return np.asarray(table.column(key).is_valid().to_numpy())
    if key == FRAME_INDEX:
        return np.asarray(to_numpy(table, key) == frame)
    if key == TIMESTAMP:
        return np.asarray(np.abs(to_numpy(table, key) - frame / fps) < TIMESTAMP_TOLERANCE_S)
    if dtype in FLOATS:
        return np.asarray(np.isfinite(to_numpy(table, key).reshape(len(table), -1)).all(axis=1))
    return np.ones(len(table), dtype=bool)


def _decodable(dataset: AnyDataset, episode: AnyEpisode, key: str) -> tuple[int, str]:
    """Pictures from the start that can be decoded, and what stopped it."""
    count = 0
    try:
        for _ in dataset.thumbnails(episode, key, 2, 2):
            count += 1
    except DatasetError as error:
        return count, f': {error}'
    return count, ''


def _unplaced(dataset: RescuedDataset) -> dict[int, str]:
    """Episodes without metadata in a video that is shorter than its rows: where each begins is not known."""
    claimed: Counter[Path] = Counter()
    for episode in dataset.episodes:
        for span in episode.spans.values():
            claimed[span.path] = max(claimed[span.path], span.first + span.count)
    reasons: dict[int, str] = {}
    for episode in dataset.episodes:
        if not dataset.is_derived(episode):
            continue
        for span in episode.spans.values():
            has = _stated(span.path)
            if has is not None and has < claimed[span.path]:
                where = span.path.relative_to(dataset.root)
                said = f'{where} has {has} frames for {claimed[span.path]} rows, and no metadata'
                reasons[episode.index] = f'{said} tells which are missing'
    return reasons


def _stated(path: Path) -> int | None:
    try:
        return stated_frames(path)
    except (OSError, ValueError, IndexError):
        return None


class _VideoTrimmer:
    """Links videos that are in order; copies the proven frames of those that go on or are torn."""

    def __init__(self, dataset: AnyDataset, parts: Sequence[Part]) -> None:
        self._dataset = dataset
        self._needed: Counter[Path] = Counter()
        self.remarks: list[str] = []
        for part in parts:
            for span in part.episode.spans.values():
                end = span.first + part.rows
                self._needed[span.path] = max(self._needed[span.path], end)

    def copy(self, source: Path, target: Path) -> None:
        """Make `target` a video of the frames of `source` that are needed."""
        needed, stated = self._needed[source], _stated(source)
        where = source.relative_to(self._dataset.root)
        if stated == needed:
            link_or_copy(source, target)
            return
        if copy_frames(source, target, self._dataset.rate, needed):
            self.remarks.append(f'{where}: kept {needed} of {stated} frames')
            return
        target.unlink()
        link_or_copy(source, target)
        self.remarks.append(f'{where}: kept whole; frames after {needed} belong to no row')
