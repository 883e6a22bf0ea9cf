"""Reads a damaged LeRobotDataset: what is missing in its metadata is derived from rows and videos, and said.

A recorder that was killed leaves parquet files without footers, episodes without metadata and totals that are behind.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from vla_mbpo.episodes.features import EPISODE_INDEX
from vla_mbpo.episodes.features import TASK_INDEX
from vla_mbpo.episodes.features import to_numpy
from vla_mbpo.episodes.files import read_table
from vla_mbpo.episodes.folder import EPISODES_PER_CHUNK
from vla_mbpo.episodes.folder import episode_of
from vla_mbpo.episodes.footer import rows_without_footer
from vla_mbpo.episodes.foreign import AnyDataset
from vla_mbpo.episodes.foreign import AnyEpisode
from vla_mbpo.episodes.foreign import metadata_rows
from vla_mbpo.episodes.foreign import read_tasks
from vla_mbpo.episodes.span import stated_frames
from vla_mbpo.errors import DatasetError

SCALAR_TYPES = {
    'float32': pa.float32(),
    'float64': pa.float64(),
    'int32': pa.int32(),
    'int64': pa.int64(),
    'bool': pa.bool_(),
    'string': pa.string(),
}
IMAGE_TYPE = pa.struct([('bytes', pa.binary()), ('path', pa.string())])
UNKNOWN = 'unknown'

Row = dict[str, Any]


@dataclass
class _Cursor:
    """Where in the videos of a feature the next episode begins."""

    file: int = 0
    frame: int = 0


class RescuedDataset(AnyDataset):
    """A dataset as far as it can be made out.

    Raises:
        DatasetError: info.json is missing or corrupt: nothing says what the rows mean.
    """

    def __init__(self, root: Path) -> None:
        self.remarks: list[str] = []
        """What was damaged, in words."""
        self._without_metadata: set[int] = set()
        super().__init__(root)

    def is_derived(self, episode: AnyEpisode) -> bool:
        """Whether an episode had no metadata, and where its pictures lie was concluded from the others."""
        return episode.index in self._without_metadata

    def _read_rows(self, path: Path) -> pa.Table:
        try:
            return read_table(self.root, path)
        except DatasetError:
            schema = self._schema()
            table = rows_without_footer(path, schema) if path.is_file() and schema else None
            if table is None:
                raise
        where = path.relative_to(self.root)
        self._remark(f'{where} had no footer; {len(table)} rows were found page by page')
        return table

    def _remark(self, text: str) -> None:
        if text not in self.remarks:
            self.remarks.append(text)

    def _schema(self) -> pa.Schema | None:
        """Columns of the data files, by an intact one or by info.json; None if they cannot be known."""
        for path in self._data_files():
            with suppress(DatasetError):
                return read_table(self.root, path).schema.remove_metadata()
        fields = [(k, _arrow_type(f)) for k, f in self.features.items() if f['dtype'] != 'video']
        return pa.schema(fields) if all(kind is not None for _, kind in fields) else None

    def _data_files(self) -> list[Path]:
        return sorted(self.root.glob('data/chunk-*/file-*.parquet'))

    def _read_tasks(self) -> dict[int, str]:
        try:
            return read_tasks(self.folder)
        except DatasetError as error:
            self._remark(f'{error}; its instructions are called {UNKNOWN!r}')
        return {
            k: f'{UNKNOWN} {k}'
            for k in sorted(set().union(*map(self._task_numbers, self._data_files())))
        }

    def _task_numbers(self, path: Path) -> set[int]:
        try:
            table = self._table(path)
        except DatasetError:
            return set()
        return set(np.unique(to_numpy(table, TASK_INDEX)).tolist())

    def _metadata_rows(self) -> Iterator[tuple[Row, str]]:
        """Rows that are there, and a derived one for each episode that has rows but no metadata."""
        known = self._known_rows()
        found = self._found_episodes()
        cursors = {key: _Cursor() for key in self.video_keys}
        for episode in sorted({*known, *found}):
            if episode in known:
                row, where = known[episode]
            else:
                row, where = self._derived(episode, found[episode], cursors), 'data'
                self._without_metadata.add(episode)
                self._remark(f'episode {episode} had no metadata; derived from rows and videos')
            for key, cursor in cursors.items():
                self._advance(key, cursor, row)
            yield row, where

    def _known_rows(self) -> dict[int, tuple[Row, str]]:
        rows: dict[int, tuple[Row, str]] = {}
        for path in self.folder.committed():
            where = str(path.relative_to(self.root))
            try:
                found = metadata_rows(self.folder, path)
            except DatasetError as error:
                self._remark(str(error))
                continue
            for row in found:
                rows.setdefault(row[EPISODE_INDEX], (row, where))
        return rows

    def _found_episodes(self) -> dict[int, tuple[Path, pa.Table]]:
        """Data file and rows by episode, from the rows themselves."""
        found: dict[int, tuple[Path, pa.Table]] = {}
        for path in self._data_files():
            try:
                table = self._table(path)
                numbers = to_numpy(table, EPISODE_INDEX)
            except (DatasetError, KeyError) as error:
                self._remark(str(error))
                continue
            for number in np.unique(numbers).tolist():
                found.setdefault(number, (path, table.filter(pa.array(numbers == number))))
        return found

    def _derived(
        self, episode: int, source: tuple[Path, pa.Table], cursors: dict[str, _Cursor]
    ) -> Row:
        path, table = source
        chunk, file = divmod(episode_of(path), EPISODES_PER_CHUNK)
        first = int(to_numpy(table, 'index')[0]) if 'index' in table.column_names else 0
        row: Row = {
            EPISODE_INDEX: episode,
            'length': len(table),
            'data/chunk_index': chunk,
            'data/file_index': file,
            'dataset_from_index': first,
            'dataset_to_index': first + len(table),
            'tasks': [],
        }
        for key, cursor in cursors.items():
            row |= self._derived_span(key, cursor, len(table))
        return row

    def _derived_span(self, key: str, cursor: _Cursor, rows: int) -> Row:
        """The next frames of the next video, where LeRobot would have put them."""
        files = self._video_files(key)
        while cursor.file < len(files) and self._is_full(files[cursor.file], cursor.frame):
            cursor.file, cursor.frame = cursor.file + 1, 0
        path = files[cursor.file] if cursor.file < len(files) else None
        number = episode_of(path) if path else len(files)
        chunk, file = divmod(number, EPISODES_PER_CHUNK)
        return {
            f'videos/{key}/chunk_index': chunk,
            f'videos/{key}/file_index': file,
            f'videos/{key}/from_timestamp': float(cursor.frame / self.rate),
            f'videos/{key}/to_timestamp': float((cursor.frame + rows) / self.rate),
        }

    def _video_files(self, key: str) -> list[Path]:
        return sorted(self.root.glob(f'videos/{key}/chunk-*/file-*.mp4'))

    def _is_full(self, path: Path, frame: int) -> bool:
        """Whether an episode cannot begin at `frame`; an unreadable file may hold anything."""
        try:
            return frame >= stated_frames(path) > 0
        except (OSError, ValueError, IndexError):
            return frame > 0

    def _advance(self, key: str, cursor: _Cursor, row: Row) -> None:
        """Move behind an episode."""
        prefix = f'videos/{key}'
        chunk, file = row.get(f'{prefix}/chunk_index'), row.get(f'{prefix}/file_index')
        end = row.get(f'{prefix}/to_timestamp')
        if chunk is None or file is None or end is None:
            return
        path = self.video_path(key, chunk, file)
        files = self._video_files(key)
        cursor.file = files.index(path) if path in files else len(files)
        cursor.frame = round(end * self.rate)


def _arrow_type(feature: dict[str, Any]) -> pa.DataType | None:
    if feature['dtype'] == 'image':
        return IMAGE_TYPE
    item, shape = SCALAR_TYPES.get(feature['dtype']), list(feature['shape'])
    if item is None or len(shape) > 1:
        return None
    return item if shape in ([], [1]) else pa.list_(item, shape[0])
