"""What a dataset knows about one saved episode: a row of `meta/episodes`."""

import json
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import fields
from pathlib import Path
from typing import Any
from typing import TypeVar

import pyarrow as pa

from vla_mbpo.config import from_mapping
from vla_mbpo.episodes.clock import exact_rate
from vla_mbpo.episodes.files import read_table
from vla_mbpo.episodes.folder import DatasetFolder
from vla_mbpo.episodes.folder import chunk_and_file
from vla_mbpo.episodes.folder import episode_of
from vla_mbpo.episodes.quality import Quality
from vla_mbpo.episodes.report import SyncReport
from vla_mbpo.episodes.schema import DatasetSpec
from vla_mbpo.episodes.schema import EpisodeInfo
from vla_mbpo.episodes.schema import EpisodeResult
from vla_mbpo.episodes.schema import EpisodeSummary
from vla_mbpo.episodes.schema import image_key
from vla_mbpo.episodes.statistics import PixelHistogram
from vla_mbpo.episodes.statistics import Statistics
from vla_mbpo.errors import DatasetError

UNKNOWN_BUDGET = -1
SPEC_METADATA = 'vla_mbpo_spec'
"""Key under which a metadata file holds the spec of its dataset, for when info.json is lost."""
T = TypeVar('T')


@dataclass(frozen=True, kw_only=True)
class EpisodeRecord:
    """Metadata of one saved episode."""

    index: int
    length: int
    first_index: int
    """Dataset-wide index of its first row."""
    task_index: int
    recording_id: str
    """Unique for each recording, whatever index it got."""
    info: EpisodeInfo
    result: EpisodeResult
    quality: Quality
    skew_budget_ns: int
    """Budget that the flags refer to; -1 if the recorder gave no report."""
    sync_report: str
    """JSON of the `SyncReport`; '{}' if the recorder gave none."""
    histograms: dict[str, PixelHistogram]
    """By camera name."""

    def summary(self, fps: float) -> EpisodeSummary:
        """What the dataset table shows."""
        quality = self.quality
        return EpisodeSummary(
            index=self.index,
            frames=self.length,
            duration_s=float(self.length / exact_rate(fps)),
            outcome=self.result.outcome,
            split=self.info.split,
            condition=self.info.condition,
            instruction=self.info.instruction,
            flagged_rows=quality.flagged_rows,
            max_skew_ms=quality.max_skew_ms,
            verdict=quality.verdict,
            task=self.info.task,
            skew_p50_ms=quality.skew_p50_ms,
            skew_p95_ms=quality.skew_p95_ms,
            rate_hz=quality.rate_hz,
            reasons=tuple(filter(None, quality.reasons.split('; '))),
        )


def report_json(report: SyncReport | None) -> str:
    """JSON text of a report, '{}' for None."""
    return json.dumps(asdict(report) if report else {}, sort_keys=True)


def record_table(
    record: EpisodeRecord, statistics: dict[str, Statistics], spec: DatasetSpec
) -> pa.Table:
    """The one-row table of `meta/episodes` for an episode."""
    chunk, file = chunk_and_file(record.index)
    place = {'chunk_index': chunk, 'file_index': file}
    row: dict[str, Any] = {
        'episode_index': record.index,
        'tasks': [record.info.instruction],
        'length': record.length,
        **{f'data/{key}': number for key, number in place.items()},
        'dataset_from_index': record.first_index,
        'dataset_to_index': record.first_index + record.length,
    }
    for camera in spec.camera_names:
        prefix = f'videos/{image_key(camera)}'
        row |= {f'{prefix}/{key}': number for key, number in place.items()}
        row[f'{prefix}/from_timestamp'] = 0.0
        row[f'{prefix}/to_timestamp'] = float(record.length / exact_rate(spec.fps))
    row |= {f'meta/episodes/{key}': number for key, number in place.items()}
    for feature, values in statistics.items():
        row |= {f'stats/{feature}/{name}': value for name, value in values.items()}
    for part in (record.info, record.result, record.quality):
        row |= asdict(part)
    for name in ('task_index', 'recording_id', 'skew_budget_ns', 'sync_report'):
        row[name] = getattr(record, name)
    for camera, histogram in record.histograms.items():
        row[f'histogram/{image_key(camera)}'] = histogram.to_list()
    table = pa.Table.from_pylist([row])
    return table.replace_schema_metadata({SPEC_METADATA: json.dumps(asdict(spec))})


def read_spec(folder: DatasetFolder, path: Path) -> DatasetSpec | None:
    """Spec of the dataset that a metadata file belongs to; None if it does not say.

    Raises:
        DatasetError: the file is missing or corrupt.
        ConfigError: what it says is garbled.
    """
    metadata = read_table(folder.root, path).schema.metadata or {}
    text = metadata.get(SPEC_METADATA.encode())
    return from_mapping(DatasetSpec, json.loads(text), source=str(path)) if text else None


def read_record(folder: DatasetFolder, path: Path, spec: DatasetSpec) -> EpisodeRecord:
    """What a metadata file holds, wherever it lies.

    Raises:
        DatasetError: it is missing, corrupt or incomplete.
    """
    table = read_table(folder.root, path)
    where = path.relative_to(folder.root)
    if table.num_rows != 1:
        raise DatasetError(folder.root, f'{where} has {table.num_rows} rows, expected 1')
    try:
        return _record(table.to_pylist()[0], spec)
    except (KeyError, TypeError, ValueError) as error:
        raise DatasetError(folder.root, f'{where} lacks or garbles {error}') from error


def read_records(folder: DatasetFolder, spec: DatasetSpec) -> list[EpisodeRecord]:
    """Metadata of all saved episodes, in order.

    Raises:
        DatasetError: names the file that is corrupt, incomplete or out of order.
    """
    records: list[EpisodeRecord] = []
    for path in folder.committed():
        record = read_record(folder, path, spec)
        if not record.index == episode_of(path) == len(records):
            where = path.relative_to(folder.root)
            problem = f'{where} holds episode {record.index}, expected episode {len(records)}'
            raise DatasetError(folder.root, problem)
        records.append(record)
    return records


def _record(row: dict[str, Any], spec: DatasetSpec) -> EpisodeRecord:
    length = row['length']
    histograms = {
        camera: PixelHistogram.from_list(row[f'histogram/{image_key(camera)}'], length)
        for camera in spec.camera_names
    }
    return EpisodeRecord(
        index=row['episode_index'],
        length=length,
        first_index=row['dataset_from_index'],
        task_index=row['task_index'],
        recording_id=row['recording_id'],
        info=_part(EpisodeInfo, row),
        result=_part(EpisodeResult, row),
        quality=_part(Quality, row),
        skew_budget_ns=row['skew_budget_ns'],
        sync_report=row['sync_report'],
        histograms=histograms,
    )


def _part(cls: type[T], row: dict[str, Any]) -> T:
    """A dataclass from the columns of its name; one that was added later keeps its default."""
    # A missing column without a default makes the constructor say which it is.
    return cls(**{f.name: row[f.name] for f in fields(cls) if f.name in row})  # type: ignore[arg-type]
