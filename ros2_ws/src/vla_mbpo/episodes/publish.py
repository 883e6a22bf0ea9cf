"""From a closed journal to a saved episode: complete files, renamed into place, metadata last.

The rename of `meta/episodes/...` is the commit point. Whatever happens before it leaves the dataset
as it was, with at most files that no metadata mentions; whatever happens after it can be derived again.
"""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from vla_mbpo.episodes.clock import exact_rate
from vla_mbpo.episodes.features import DEFAULT_COLUMNS
from vla_mbpo.episodes.features import EPISODE_INDEX
from vla_mbpo.episodes.features import FRAME_INDEX
from vla_mbpo.episodes.features import INDEX
from vla_mbpo.episodes.features import TASK_INDEX
from vla_mbpo.episodes.features import TIMESTAMP
from vla_mbpo.episodes.features import to_numpy
from vla_mbpo.episodes.files import move_into_place
from vla_mbpo.episodes.files import sync_file
from vla_mbpo.episodes.files import write_table
from vla_mbpo.episodes.folder import DatasetFolder
from vla_mbpo.episodes.journal import Journal
from vla_mbpo.episodes.journal import read_rows
from vla_mbpo.episodes.journal import video_path
from vla_mbpo.episodes.quality import judge
from vla_mbpo.episodes.record import UNKNOWN_BUDGET
from vla_mbpo.episodes.record import EpisodeRecord
from vla_mbpo.episodes.record import record_table
from vla_mbpo.episodes.record import report_json
from vla_mbpo.episodes.report import SyncReport
from vla_mbpo.episodes.schema import FLAGS
from vla_mbpo.episodes.schema import TICK_NS
from vla_mbpo.episodes.schema import EpisodeResult
from vla_mbpo.episodes.schema import image_key
from vla_mbpo.episodes.schema import skew_key
from vla_mbpo.episodes.statistics import table_statistics
from vla_mbpo.episodes.totals import Columns
from vla_mbpo.episodes.totals import counted_columns
from vla_mbpo.episodes.totals import image_statistics
from vla_mbpo.episodes.video import remux
from vla_mbpo.errors import DatasetError

STAGED_DATA = 'staged.parquet'


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where in the dataset an episode goes."""

    first_index: int
    task_index: int


@dataclass(frozen=True, kw_only=True)
class Published:
    """A committed episode."""

    record: EpisodeRecord
    columns: Columns
    """Its columns that have statistics."""


def publish(
    folder: DatasetFolder,
    journal: Journal,
    place: Place,
    result: EpisodeResult,
    report: SyncReport | None,
) -> Published:
    """Commit the episode of a closed journal, which stays as it is.

    Raises:
        DatasetError: a video does not have one frame per row.
        OSError: the disk is full.
    """
    rows = read_rows(journal.folder)
    table = with_default_columns(rows, journal, place)
    staged = _stage(folder, journal, table)
    columns = counted_columns(table, journal.header.spec)
    record = _record(journal, rows, place, result, report)
    statistics = {**table_statistics(columns), **image_statistics(journal.histograms)}
    metadata = record_table(record, statistics, journal.header.spec)
    for source, target in staged:
        move_into_place(source, target)
    write_table(folder.episode_metadata(record.index), metadata)
    return Published(record=record, columns=columns)


def _record(
    journal: Journal,
    rows: pa.Table,
    place: Place,
    result: EpisodeResult,
    report: SyncReport | None,
) -> EpisodeRecord:
    header = journal.header
    return EpisodeRecord(
        index=header.episode,
        length=len(rows),
        first_index=place.first_index,
        task_index=place.task_index,
        recording_id=header.recording_id,
        info=header.info,
        result=result,
        quality=judge(
            flags=to_numpy(rows, FLAGS),
            skew_ns=_skews_ns(rows, header.spec.camera_names),
            tick_ns=to_numpy(rows, TICK_NS),
            missing_start_s=report.leading_ticks / header.spec.fps if report else 0.0,
        ),
        skew_budget_ns=report.skew_budget_ns if report else UNKNOWN_BUDGET,
        sync_report=report_json(report),
        histograms=dict(journal.histograms),
    )


def with_default_columns(rows: pa.Table, journal: Journal, place: Place) -> pa.Table:
    """The recorded rows with LeRobot's own columns after them."""
    rate = exact_rate(journal.header.spec.fps)
    frame = np.arange(len(rows), dtype=np.int64)
    values = {
        TIMESTAMP: np.array([float(Fraction(int(k)) / rate) for k in frame], dtype=np.float32),
        FRAME_INDEX: frame,
        EPISODE_INDEX: np.full(len(rows), journal.header.episode, dtype=np.int64),
        INDEX: frame + place.first_index,
        TASK_INDEX: np.full(len(rows), place.task_index, dtype=np.int64),
    }
    for column in DEFAULT_COLUMNS:
        rows = rows.append_column(column.key, pa.array(values[column.key], column.arrow_type))
    return rows


def _stage(folder: DatasetFolder, journal: Journal, table: pa.Table) -> list[tuple[Path, Path]]:
    """Complete files in the journal folder, on the disk, with the places they belong to."""
    episode, spec = journal.header.episode, journal.header.spec
    data = journal.folder / STAGED_DATA
    pq.write_table(table, data, compression='snappy')
    moves = [(data, folder.data(episode))]
    for camera in spec.camera_names:
        staged = journal.folder / f'staged-{camera}.mp4'
        frames = remux(video_path(journal.folder, camera), staged, spec.fps)
        if frames != len(table):
            problem = f'episode {episode}: {camera} has {frames} frames for {len(table)} rows'
            raise DatasetError(folder.root, problem)
        moves.append((staged, folder.video(image_key(camera), episode)))
    for staged, _ in moves:
        sync_file(staged)
    return moves


def _skews_ns(rows: pa.Table, cameras: tuple[str, ...]) -> NDArray[np.int64]:
    """Skew of every camera, [N, camera]."""
    return np.stack([to_numpy(rows, skew_key(camera)) for camera in cameras], axis=1)
