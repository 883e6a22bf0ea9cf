"""What is derived from all saved episodes: info.json, stats.json and tasks.parquet."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from vla_mbpo.episodes.clock import exact_rate
from vla_mbpo.episodes.features import DEFAULT_COLUMNS
from vla_mbpo.episodes.features import features
from vla_mbpo.episodes.features import row_columns
from vla_mbpo.episodes.features import to_numpy
from vla_mbpo.episodes.features import whole
from vla_mbpo.episodes.files import read_table
from vla_mbpo.episodes.files import write_json
from vla_mbpo.episodes.files import write_table
from vla_mbpo.episodes.folder import DATA_PATH
from vla_mbpo.episodes.folder import EPISODES_PER_CHUNK
from vla_mbpo.episodes.folder import VIDEO_PATH
from vla_mbpo.episodes.folder import DatasetFolder
from vla_mbpo.episodes.record import EpisodeRecord
from vla_mbpo.episodes.schema import CODEBASE_VERSION
from vla_mbpo.episodes.schema import SCHEMA_VERSION
from vla_mbpo.episodes.schema import TIME_PREFIX
from vla_mbpo.episodes.schema import DatasetSpec
from vla_mbpo.episodes.schema import image_key
from vla_mbpo.episodes.statistics import PixelHistogram
from vla_mbpo.episodes.statistics import Statistics
from vla_mbpo.episodes.statistics import table_statistics

SCHEMA_KEY = 'vla_mbpo_schema'
Columns = dict[str, NDArray[Any]]


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
        self._columns: list[Columns] = []
        self.records: list[EpisodeRecord] = []

    @property
    def frames(self) -> int:
        """Rows of all episodes."""
        return sum(record.length for record in self.records)

    def load(self, records: list[EpisodeRecord]) -> None:
        """Take in the saved episodes.

        Raises:
            DatasetError: names the data file that is missing or corrupt.
        """
        for record in records:
            table = read_table(self._folder.root, self._folder.data(record.index))
            self.add(record, counted_columns(table, self._spec))

    def add(self, record: EpisodeRecord, columns: Columns) -> None:
        """Take in one more saved episode."""
        self.records.append(record)
        self._columns.append(columns)

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
        keys = self._columns[0]
        whole_set = {key: np.concatenate([part[key] for part in self._columns]) for key in keys}
        parts = [record.histograms for record in self.records]
        histograms = {
            camera: PixelHistogram.summed(part[camera] for part in parts)
            for camera in self._spec.camera_names
        }
        return {**table_statistics(whole_set), **image_statistics(histograms)}

    def write(self) -> None:
        """Bring tasks, statistics and info up to date, each atomically, info last."""
        if self.records:
            write_tasks(self._folder, self.tasks())
            write_json(self._folder.stats, self.statistics())
        write_json(self._folder.info, self.info())

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
