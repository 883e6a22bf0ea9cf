"""From a closed journal to a saved episode: complete files, renamed into place, metadata last.

The rename of `meta/episodes/...` is the commit point. Whatever happens before it leaves the dataset
as it was, with at most files that no metadata mentions; whatever happens after it can be derived again.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from dataclasses import replace
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
from vla_mbpo.episodes.journal import JournalHeader
from vla_mbpo.episodes.journal import read_rows
from vla_mbpo.episodes.journal import staged_video_path
from vla_mbpo.episodes.quality import judge
from vla_mbpo.episodes.record import UNKNOWN_BUDGET
from vla_mbpo.episodes.record import EpisodeRecord
from vla_mbpo.episodes.record import record_table
from vla_mbpo.episodes.record import report_json
from vla_mbpo.episodes.report import SyncReport
from vla_mbpo.episodes.schema import FLAGS
from vla_mbpo.episodes.schema import TICK_NS
from vla_mbpo.episodes.schema import DatasetSpec
from vla_mbpo.episodes.schema import EpisodeResult
from vla_mbpo.episodes.schema import domain_key
from vla_mbpo.episodes.schema import image_key
from vla_mbpo.episodes.schema import skew_key
from vla_mbpo.episodes.statistics import PixelHistogram
from vla_mbpo.episodes.statistics import table_statistics
from vla_mbpo.episodes.totals import Columns
from vla_mbpo.episodes.totals import Place
from vla_mbpo.episodes.totals import counted_columns
from vla_mbpo.episodes.totals import image_statistics
from vla_mbpo.errors import DatasetError

STAGED_DATA = 'staged.parquet'


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A recording that has ended and is to be saved; its files lie in a journal folder."""

    folder: Path
    header: JournalHeader
    rows: pa.Table
    videos: Mapping[str, Path]
    """Ordinary mp4 files by camera name, one frame per row; they are moved."""
    histograms: Mapping[str, PixelHistogram]
    """Pixels of all frames of `videos`."""
    result: EpisodeResult
    report: SyncReport | None
    remark: str = ''
    """Stands before the reasons of the verdict."""


@dataclass(frozen=True, kw_only=True)
class Published:
    """A committed episode."""

    record: EpisodeRecord
    columns: Columns
    """Its columns that have statistics."""


def finished(journal: Journal, result: EpisodeResult, report: SyncReport | None) -> Finished:
    """A journal that was closed, as it is to be saved.

    Raises:
        OSError: a file is gone.
    """
    return Finished(
        folder=journal.folder,
        header=journal.header,
        rows=read_rows(journal.folder, journal.header.spec),
        videos={
            name: staged_video_path(journal.folder, name)
            for name in journal.header.spec.camera_names
        },
        histograms=journal.histograms,
        result=result,
        report=report,
    )


def publish(folder: DatasetFolder, episode: Finished, place: Place) -> Published:
    """Commit a recording, whose journal stays as it is but for the staged files.

    Raises:
        DatasetError: a video does not have one frame per row.
        OSError, ValueError: the disk is full, or a file is gone.
    """
    spec = episode.header.spec
    table = with_default_columns(episode.rows, spec, place)
    for camera, histogram in episode.histograms.items():
        if histogram.frames != len(table):
            counts = f'{histogram.frames} frames for {len(table)} rows'
            problem = f'episode {place.episode}: {camera} has {counts}'
            raise DatasetError(folder.root, problem)
    record = _record(episode, place)
    return commit(folder, spec, record, table, episode.videos, staging=episode.folder)


def commit(
    folder: DatasetFolder,
    spec: DatasetSpec,
    record: EpisodeRecord,
    table: pa.Table,
    videos: Mapping[str, Path],
    *,
    staging: Path,
) -> Published:
    """Put an episode into its place: rows and `videos`, which are moved, then the metadata.

    Raises:
        OSError: the disk is full.
    """
    columns = counted_columns(table, spec)
    statistics = {**table_statistics(columns), **image_statistics(record.histograms)}
    metadata = record_table(record, statistics, spec)
    staged = staging / STAGED_DATA
    pq.write_table(table, staged, compression='snappy')
    moves = {staged: folder.data(record.index)}
    for camera, path in videos.items():
        moves[path] = folder.video(image_key(camera), record.index)
    with ThreadPoolExecutor(len(moves)) as pool:
        list(pool.map(sync_file, moves))
        list(pool.map(move_into_place, moves, moves.values()))
    write_table(folder.episode_metadata(record.index), metadata)
    return Published(record=record, columns=columns)


def _record(episode: Finished, place: Place) -> EpisodeRecord:
    header, rows, report = episode.header, episode.rows, episode.report
    cameras = header.spec.camera_names
    quality = judge(
        flags=to_numpy(rows, FLAGS),
        skew_ns=_skews_ns(rows, cameras),
        tick_ns=to_numpy(rows, TICK_NS),
        missing_start_s=report.leading_ticks / header.spec.fps if report else 0.0,
        domains={camera: to_numpy(rows, domain_key(camera)) for camera in cameras},
        rejected=_rejected_frames(report, cameras),
    )
    reasons = '; '.join(filter(None, (episode.remark, quality.reasons)))
    return EpisodeRecord(
        index=place.episode,
        length=len(rows),
        first_index=place.first_index,
        task_index=place.task_index,
        recording_id=header.recording_id,
        info=header.info,
        result=episode.result,
        quality=replace(quality, reasons=reasons),
        skew_budget_ns=report.skew_budget_ns if report else UNKNOWN_BUDGET,
        sync_report=report_json(report),
        histograms=dict(episode.histograms),
    )


def with_default_columns(rows: pa.Table, spec: DatasetSpec, place: Place) -> pa.Table:
    """The recorded rows with LeRobot's own columns after them."""
    rate = exact_rate(spec.fps)
    frame = np.arange(len(rows), dtype=np.int64)
    values = {
        TIMESTAMP: np.array([float(Fraction(int(k)) / rate) for k in frame], dtype=np.float32),
        FRAME_INDEX: frame,
        EPISODE_INDEX: np.full(len(rows), place.episode, dtype=np.int64),
        INDEX: frame + place.first_index,
        TASK_INDEX: np.full(len(rows), place.task_index, dtype=np.int64),
    }
    for column in DEFAULT_COLUMNS:
        rows = rows.append_column(column.key, pa.array(values[column.key], column.arrow_type))
    return rows


def _rejected_frames(report: SyncReport | None, cameras: tuple[str, ...]) -> dict[str, int]:
    """Frames by camera that the synchroniser left out."""
    counts = report.rejected if report else {}
    return {camera: counts.get(camera, 0) for camera in cameras}


def _skews_ns(rows: pa.Table, cameras: tuple[str, ...]) -> NDArray[np.int64]:
    """Skew of every camera, [N, camera]."""
    return np.stack([to_numpy(rows, skew_key(camera)) for camera in cameras], axis=1)
