"""Reads any LeRobotDataset v3.0, whoever wrote it: several episodes per file, any columns, any codec.

Our own `DatasetReader` expects our columns and one file per episode; this one expects only the format.
"""

from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from vla_mbpo.episodes.clock import exact_rate
from vla_mbpo.episodes.edit_log import read_edits
from vla_mbpo.episodes.edit_log import removed_ids
from vla_mbpo.episodes.features import EPISODE_INDEX
from vla_mbpo.episodes.features import INDEX
from vla_mbpo.episodes.files import read_json
from vla_mbpo.episodes.files import read_table
from vla_mbpo.episodes.folder import DatasetFolder
from vla_mbpo.episodes.schema import CODEBASE_VERSION
from vla_mbpo.episodes.schema import Image
from vla_mbpo.episodes.span import VideoSpan
from vla_mbpo.episodes.totals import SCHEMA_KEY
from vla_mbpo.errors import DatasetError
from vla_mbpo.errors import UnknownNameError

CACHED_TABLES = 4
RECORDING_ID = 'recording_id'
IMAGE_KINDS = ('video', 'image')
REQUIRED_INFO = ('fps', 'features', 'data_path', 'total_episodes', 'total_frames')
REQUIRED_EPISODE = (
    EPISODE_INDEX,
    'length',
    'data/chunk_index',
    'data/file_index',
    'dataset_from_index',
    'dataset_to_index',
)


@dataclass(frozen=True, kw_only=True)
class AnyEpisode:
    """What the metadata of any LeRobotDataset says of an episode."""

    index: int
    length: int
    first_index: int
    end_index: int
    tasks: tuple[str, ...]
    data: Path
    spans: Mapping[str, VideoSpan]
    """By video feature."""
    metadata: Mapping[str, Any]
    """Every column of its row in `meta/episodes`."""


class AnyDataset:
    """A LeRobotDataset v3.0 folder, opened for reading.

    Raises:
        DatasetError: names the file that is missing, corrupt or of another version.
    """

    def __init__(self, root: Path) -> None:
        self.folder = DatasetFolder(root)
        self.info = read_any_info(self.folder)
        self.rate = exact_rate(float(self.info['fps']))
        self._table = lru_cache(CACHED_TABLES)(self._read_rows)
        self.tasks: Mapping[int, str] = MappingProxyType(self._read_tasks())
        self.episodes: tuple[AnyEpisode, ...] = tuple(
            self._episode(row, where) for row, where in self._metadata_rows()
        )

    def _read_rows(self, path: Path) -> pa.Table:
        return read_table(self.root, path)

    def _read_tasks(self) -> dict[int, str]:
        return read_tasks(self.folder)

    def _metadata_rows(self) -> Iterator[tuple[dict[str, Any], str]]:
        """Every row of `meta/episodes` with the name of its file, in order."""
        for path in self.folder.committed():
            where = str(path.relative_to(self.root))
            for row in metadata_rows(self.folder, path):
                yield row, where

    @property
    def root(self) -> Path:
        """The dataset folder."""
        return self.folder.root

    @property
    def is_ours(self) -> bool:
        """Whether `vla_mbpo.episodes` wrote it."""
        return SCHEMA_KEY in self.info

    @property
    def removed(self) -> frozenset[int]:
        """Episodes that the edit log hides.

        Raises:
            DatasetError: the log is damaged.
        """
        hidden = removed_ids(read_edits(self.folder))
        return frozenset(e.index for e in self.episodes if e.metadata.get(RECORDING_ID) in hidden)

    @property
    def fps(self) -> float:
        """Rows per second."""
        return float(self.rate)

    @property
    def features(self) -> dict[str, dict[str, Any]]:
        """The features by name, as info.json has them."""
        features: dict[str, dict[str, Any]] = self.info['features']
        return features

    @property
    def picture_keys(self) -> tuple[str, ...]:
        """Features that are pictures, as video or as PNG in the rows."""
        return tuple(k for k, f in self.features.items() if f['dtype'] in IMAGE_KINDS)

    @property
    def video_keys(self) -> tuple[str, ...]:
        """Features that are videos."""
        return tuple(k for k, f in self.features.items() if f['dtype'] == 'video')

    def table(self, episode: AnyEpisode) -> pa.Table:
        """Rows of an episode, by their episode index.

        Raises:
            DatasetError: the data file is missing, corrupt or lacks a column.
        """
        table = self._table(episode.data)
        for key in (EPISODE_INDEX, INDEX):
            if key not in table.column_names:
                where = episode.data.relative_to(self.root)
                raise DatasetError(self.root, f'{where} has no column {key}')
        return table.filter(pc.equal(table.column(EPISODE_INDEX), episode.index))

    def pictures(self, episode: AnyEpisode, key: str) -> Iterator[Image]:
        """Pictures of an episode in order, uint8 [H, W, 3] RGB.

        Raises:
            UnknownNameError: `key` is no feature with pictures.
            DatasetError: a file is missing or cannot be decoded.
        """
        if key not in self.picture_keys:
            raise UnknownNameError('picture feature', key, known=self.picture_keys)
        if key in episode.spans:
            yield from self._guarded(episode.spans[key], episode.spans[key].pictures())
            return
        yield from self._stored_pictures(episode, key)

    def thumbnails(self, episode: AnyEpisode, key: str, width: int, height: int) -> Iterator[Image]:
        """Pictures of an episode in order, brightness only, uint8 [height, width].

        Raises:
            DatasetError: a file is missing or cannot be decoded.
        """
        if key in episode.spans:
            span = episode.spans[key]
            yield from self._guarded(span, span.thumbnails(width, height))
            return
        for image in self._stored_pictures(episode, key):
            grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
            yield np.asarray(cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA))

    def _guarded(self, span: VideoSpan, pictures: Iterator[Image]) -> Iterator[Image]:
        where = span.path.relative_to(self.root)
        try:
            yield from pictures
        except FileNotFoundError as error:
            raise DatasetError(self.root, f'{where} is missing') from error
        except (OSError, ValueError, IndexError) as error:
            raise DatasetError(self.root, f'{where} cannot be read: {error}') from error

    def _stored_pictures(self, episode: AnyEpisode, key: str) -> Iterator[Image]:
        where = episode.data.relative_to(self.root)
        table = self.table(episode)
        if key not in table.column_names:
            raise DatasetError(self.root, f'{where} has no column {key}')
        for k, value in enumerate(table.column(key)):
            data = (value.as_py() or {}).get('bytes') or b''
            image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
            if image is None:
                problem = f'{where}: picture {k} of {key} in episode {episode.index} is no image'
                raise DatasetError(self.root, problem)
            yield np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))

    def _episode(self, row: dict[str, Any], where: str) -> AnyEpisode:
        try:
            return AnyEpisode(
                index=row[EPISODE_INDEX],
                length=row['length'],
                first_index=row['dataset_from_index'],
                end_index=row['dataset_to_index'],
                tasks=tuple(row.get('tasks') or ()),
                data=self.data_path(row['data/chunk_index'], row['data/file_index']),
                spans={key: self._span(row, key) for key in self.video_keys},
                metadata=row,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise DatasetError(self.root, f'{where} lacks or garbles {error}') from error

    def data_path(self, chunk: int, file: int) -> Path:
        """A data file, by its numbers."""
        path: str = self.info['data_path']
        return self.root / path.format(chunk_index=chunk, file_index=file)

    def video_path(self, key: str, chunk: int, file: int) -> Path:
        """A video file of a feature, by its numbers."""
        path: str = self.info['video_path']
        return self.root / path.format(video_key=key, chunk_index=chunk, file_index=file)

    def _span(self, row: dict[str, Any], key: str) -> VideoSpan:
        prefix = f'videos/{key}'
        begin, end = row[f'{prefix}/from_timestamp'], row[f'{prefix}/to_timestamp']
        first = round(begin * self.rate)
        return VideoSpan(
            path=self.video_path(key, row[f'{prefix}/chunk_index'], row[f'{prefix}/file_index']),
            rate=self.rate,
            first=first,
            count=round(end * self.rate) - first,
        )


def read_any_info(folder: DatasetFolder) -> dict[str, Any]:
    """Content of info.json of any LeRobotDataset v3.0.

    Raises:
        DatasetError: the folder or the file is missing or unreadable, or of another version.
    """
    if not folder.root.is_dir():
        raise DatasetError(folder.root, 'there is no such folder')
    info = read_json(folder.root, folder.info)
    if info.get('codebase_version') != CODEBASE_VERSION:
        found = info.get('codebase_version')
        problem = f'meta/info.json has codebase_version {found!r}, expected {CODEBASE_VERSION!r}'
        raise DatasetError(folder.root, problem)
    if missing := [key for key in REQUIRED_INFO if key not in info]:
        raise DatasetError(folder.root, f'meta/info.json lacks {", ".join(missing)}')
    if garbled := _info_problem(info):
        raise DatasetError(folder.root, f'meta/info.json {garbled}')
    return info


def _info_problem(info: dict[str, Any]) -> str | None:
    features, fps = info['features'], info['fps']
    is_sound = isinstance(features, dict) and all(
        isinstance(f, dict) and {'dtype', 'shape'} <= set(f) for f in features.values()
    )
    if not is_sound:
        return 'garbles features: each needs dtype and shape'
    if not isinstance(fps, (int, float)) or not fps > 0:
        return f'has fps {fps!r}, expected a rate in Hz'
    for key in ('data_path', 'video_path'):
        path = Path(info.get(key) or '')
        if path.is_absolute() or '..' in path.parts:
            return f'has {key} {info[key]!r}, which leaves the folder'
    return None


def read_tasks(folder: DatasetFolder) -> dict[int, str]:
    """Instruction by task index.

    Raises:
        DatasetError: the file is missing or corrupt.
    """
    if not folder.tasks.exists() and not folder.committed():
        return {}
    table = read_table(folder.root, folder.tasks)
    names = [name for name in table.column_names if name != 'task_index']
    if len(names) == len(table.column_names) or not names:
        found = ', '.join(table.column_names)
        raise DatasetError(folder.root, f'meta/tasks.parquet has columns {found}')
    # The instruction is the pandas index; a set made by other means may call it otherwise.
    texts = table.column(names[-1]).to_pylist()
    return dict(zip(table.column('task_index').to_pylist(), texts, strict=True))


def metadata_rows(folder: DatasetFolder, path: Path) -> list[dict[str, Any]]:
    """Rows of a file of `meta/episodes`.

    Raises:
        DatasetError: the file is missing or corrupt, or lacks a column.
    """
    table = read_table(folder.root, path)
    if missing := [key for key in REQUIRED_EPISODE if key not in table.column_names]:
        where = path.relative_to(folder.root)
        raise DatasetError(folder.root, f'{where} has no column {", ".join(missing)}')
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows
