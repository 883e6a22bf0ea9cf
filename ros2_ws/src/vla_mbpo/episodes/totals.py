"""What is derived from all saved episodes: info.json, stats.json and tasks.parquet."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from numpy.typing import NDArray

from vla_mbpo.episodes.clock import exact_rate
from vla_mbpo.episodes.features import DEFAULT_COLUMNS
from vla_mbpo.episodes.features import INDEX
from vla_mbpo.episodes.features import features
from vla_mbpo.episodes.features import row_columns
from vla_mbpo.episodes.features import to_numpy
from vla_mbpo.episodes.features import whole
from vla_mbpo.episodes.files import read_json
from vla_mbpo.episodes.files import read_table
from vla_mbpo.episodes.files import write_json
from vla_mbpo.episodes.files import write_table
from vla_mbpo.episodes.folder import DATA_PATH
from vla_mbpo.episodes.folder import EPISODES_PER_CHUNK
from vla_mbpo.episodes.folder import VIDEO_PATH
from vla_mbpo.episodes.folder import DatasetFolder
from vla_mbpo.episodes.record import EpisodeRecord
from vla_mbpo.episodes.running import RunningStatistics
from vla_mbpo.episodes.schema import CODEBASE_VERSION
from vla_mbpo.episodes.schema import SCHEMA_VERSION
from vla_mbpo.episodes.schema import TIME_PREFIX
from vla_mbpo.episodes.schema import DatasetSpec
from vla_mbpo.episodes.schema import image_key
from vla_mbpo.episodes.statistics import PixelHistogram
from vla_mbpo.episodes.statistics import Statistics
from vla_mbpo.errors import DatasetError

SCHEMA_KEY = 'vla_mbpo_schema'
Columns = dict[str, NDArray[Any]]


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where in the dataset an episode goes."""

    episode: int
    first_index: int
    task_index: int


def counted_columns(table: pa.Table, spec: DatasetSpec) -> Columns:
    """The columns of an episode that have statistics: all but the stamps."""
    columns = (*row_columns(spec), *DEFAULT_COLUMNS)
    keys = (column.key for column in columns if not column.key.startswith(TIME_PREFIX))
    return {key: to_numpy(table, key) for key in keys}


def image_statistics(histograms: Mapping[str, PixelHistogram]) -> dict[str, Statistics]:
    """Statistics of the pictures by feature name."""
    return {image_key(camera): part.statistics() for camera, part in histograms.items()}


class Totals:
    """The saved episodes of a dataset, and the files that are derived from them."""

    def __init__(self, folder: DatasetFolder, spec: DatasetSpec) -> None:
        self._folder = folder
        self._spec = spec
        self.load([])

    @property
    def frames(self) -> int:
        """Rows of all episodes."""
        return sum(record.length for record in self.records)

    def load(self, records: list[EpisodeRecord]) -> None:
        """Take in these episodes in place of all before; the data files are read.

        Raises:
            DatasetError: names the data file that is missing or corrupt.
        """
        self.records: list[EpisodeRecord] = []
        self._columns: dict[str, RunningStatistics] = {}
        self._pictures: dict[str, PixelHistogram] = {}
        self._written_tasks: list[str] | None = None
        tables = (read_table(self._folder.root, self._folder.data(r.index)) for r in records)
        self._take(records, [counted_columns(table, self._spec) for table in tables])

    def add(self, record: EpisodeRecord, columns: Columns) -> None:
        """Take in one more saved episode."""
        self._take([record], [columns])

    def _take(self, records: list[EpisodeRecord], columns: list[Columns]) -> None:
        self.records += records
        for key in columns[0] if columns else ():
            running = self._columns.setdefault(key, RunningStatistics())
            running.add(*(part[key] for part in columns))
        for camera in self._spec.camera_names if records else ():
            before = self._pictures.get(camera, PixelHistogram())
            parts = (record.histograms[camera] for record in records)
            self._pictures[camera] = PixelHistogram.summed((before, *parts))

    def place(self, instruction: str) -> Place:
        """Where the next episode goes."""
        return Place(
            episode=len(self.records),
            first_index=self.frames,
            task_index=self.task_index(instruction),
        )

    def tasks(self) -> list[str]:
        """Instructions by task index."""
        first: dict[int, str] = {}
        for record in self.records:
            first.setdefault(record.task_index, record.info.instruction)
        return [first[index] for index in sorted(first)]

    def task_index(self, instruction: str) -> int:
        """Index of an instruction, a new one if no episode has it yet."""
        tasks = self.tasks()
        return tasks.index(instruction) if instruction in tasks else len(tasks)

    def statistics(self) -> dict[str, Statistics]:
        """Exact statistics over all rows, and pictures' over all counted pixels."""
        columns = {key: part.statistics() for key, part in self._columns.items()}
        return {**columns, **image_statistics(self._pictures)}

    def write(self) -> None:
        """Bring tasks, statistics and info up to date, each atomically, info last."""
        if self.records:
            tasks = self.tasks()
            if tasks != self._written_tasks:
                write_tasks(self._folder, tasks)
                self._written_tasks = tasks
            write_json(self._folder.stats, self.statistics(), is_last=False)
        else:
            self._folder.tasks.unlink(missing_ok=True)
            self._folder.stats.unlink(missing_ok=True)
        write_json(self._folder.info, self.info())

    def is_written(self) -> bool:
        """Whether the derived files are there, whole and of these episodes."""
        try:
            if read_json(self._folder.root, self._folder.info) != self.info():
                return False
            if not self.records:
                return True
            tasks = read_table(self._folder.root, self._folder.tasks).to_pydict()
            counted = read_json(self._folder.root, self._folder.stats)[INDEX]['count']
        except (DatasetError, KeyError, TypeError):
            return False
        is_listed = list(tasks.values()) == [list(range(len(self.tasks()))), self.tasks()]
        return is_listed and counted == [self.frames]

    def info(self) -> dict[str, Any]:
        """Content of info.json."""
        return {
            'codebase_version': CODEBASE_VERSION,
            SCHEMA_KEY: SCHEMA_VERSION,
            'robot_type': self._spec.robot,
            'total_episodes': len(self.records),
            'total_frames': self.frames,
            'total_tasks': len(self.tasks()),
            'chunks_size': EPISODES_PER_CHUNK,
            'data_files_size_in_mb': 100,
            'video_files_size_in_mb': 200,
            'fps': whole(float(exact_rate(self._spec.fps))),
            'splits': {'train': f'0:{len(self.records)}'},
            'data_path': DATA_PATH,
            'video_path': VIDEO_PATH,
            'features': features(self._spec),
        }


def write_tasks(folder: DatasetFolder, tasks: list[str]) -> None:
    """Write tasks.parquet; the pandas metadata makes the instruction the index, as LeRobot expects."""
    index = '__index_level_0__'
    pandas = {
        'index_columns': [index],
        'column_indexes': [],
        'columns': [
            _pandas_column('task_index', 'task_index', 'int64', 'int64'),
            _pandas_column(None, index, 'unicode', 'object'),
        ],
        'pandas_version': '2.2.0',
    }
    table = pa.table({'task_index': range(len(tasks)), index: pa.array(tasks, pa.string())})
    write_table(folder.tasks, table.replace_schema_metadata({'pandas': json.dumps(pandas)}))


def _pandas_column(name: str | None, field: str, kind: str, dtype: str) -> dict[str, str | None]:
    return {
        'name': name,
        'field_name': field,
        'pandas_type': kind,
        'numpy_type': dtype,
        'metadata': None,
    }
