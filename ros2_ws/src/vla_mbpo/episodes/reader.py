"""Reads episode datasets: columns as arrays, pictures decoded when asked for."""

import os
from collections import OrderedDict
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from types import TracebackType
from typing import Any

from numpy.typing import NDArray

from vla_mbpo.episodes.edit_log import read_edits
from vla_mbpo.episodes.edit_log import removed_ids
from vla_mbpo.episodes.features import DEFAULT_COLUMNS
from vla_mbpo.episodes.features import row_columns
from vla_mbpo.episodes.features import to_numpy
from vla_mbpo.episodes.files import read_json
from vla_mbpo.episodes.files import read_table
from vla_mbpo.episodes.folder import DatasetFolder
from vla_mbpo.episodes.metadata import read_info
from vla_mbpo.episodes.metadata import spec_of
from vla_mbpo.episodes.record import EpisodeRecord
from vla_mbpo.episodes.record import read_records
from vla_mbpo.episodes.schema import DatasetSpec
from vla_mbpo.episodes.schema import EpisodeInfo
from vla_mbpo.episodes.schema import EpisodeResult
from vla_mbpo.episodes.schema import EpisodeSummary
from vla_mbpo.episodes.schema import Image
from vla_mbpo.episodes.schema import image_key
from vla_mbpo.episodes.video_reader import VideoReader
from vla_mbpo.errors import DatasetError
from vla_mbpo.errors import UnknownNameError

OPEN_VIDEOS = 96
"""Videos that stay open: 1.8 MB of memory each at 640x480, and 1.8 ms to open one again."""


class Episode:
    """One episode: `columns` by feature name, [N] or [N, width]; pictures by camera and row."""

    def __init__(
        self,
        record: EpisodeRecord,
        columns: Mapping[str, NDArray[Any]],
        video: Callable[[str], VideoReader],
    ) -> None:
        self.record = record
        self.columns = columns
        self._video = video

    def __len__(self) -> int:
        return self.record.length

    def __getitem__(self, feature: str) -> NDArray[Any]:
        """A column by feature name.

        Raises:
            UnknownNameError: lists the columns that exist.
        """
        if feature not in self.columns:
            raise UnknownNameError('column', feature, known=self.columns)
        return self.columns[feature]

    @property
    def index(self) -> int:
        """Position in the dataset."""
        return self.record.index

    @property
    def info(self) -> EpisodeInfo:
        """What was known when it started."""
        return self.record.info

    @property
    def result(self) -> EpisodeResult:
        """How it ended."""
        return self.record.result

    def frame(self, camera: str, k: int) -> Image:
        """Picture of row k, uint8 [H, W, 3] RGB; the video stays open for the next call.

        Raises:
            UnknownNameError: there is no such camera.
            DatasetError: there is no such row, or the video is corrupt.
        """
        return self._video(camera).frame(k)

    def frames(self, camera: str) -> Iterator[Image]:
        """Pictures of all rows in order.

        Raises:
            UnknownNameError: there is no such camera.
            DatasetError: the video is corrupt.
        """
        return self._video(camera).frames()


class DatasetReader:
    """Reads one dataset folder; the `open_videos` videos used last stay open until `close`.

    A copy in another process, forked or pickled, opens videos of its own.

    Raises:
        DatasetError: naming the file that is missing, corrupt or of another version.
    """

    def __init__(self, root: Path, *, open_videos: int = OPEN_VIDEOS) -> None:
        self.folder = DatasetFolder(root)
        self.info: Mapping[str, Any] = MappingProxyType(read_info(self.folder))
        """Content of info.json."""
        self.spec: DatasetSpec = spec_of(self.folder, dict(self.info))
        self.records: tuple[EpisodeRecord, ...] = tuple(read_records(self.folder, self.spec))
        self._open_videos = open_videos
        removed = removed_ids(read_edits(self.folder))
        self.removed = frozenset(r.index for r in self.records if r.recording_id in removed)
        """Episodes that are removed but, not being the last ones, still have their place."""
        self._videos: OrderedDict[Path, VideoReader] = OrderedDict()
        self._process = os.getpid()

    def __reduce__(self) -> tuple[Callable[..., 'DatasetReader'], tuple[Path, int]]:
        return _opened, (self.folder.root, self._open_videos)

    def __len__(self) -> int:
        return len(self.records)

    def summaries(self) -> list[EpisodeSummary]:
        """All episodes as the dataset table shows them, without removed ones."""
        shown = (record for record in self.records if record.index not in self.removed)
        return [record.summary(self.spec.fps) for record in shown]

    def statistics(self) -> dict[str, Any]:
        """Statistics of the whole set by feature name.

        Raises:
            DatasetError: stats.json is missing or corrupt.
        """
        return read_json(self.folder.root, self.folder.stats)

    def episode(self, index: int) -> Episode:
        """Episode by index; its pictures are decoded when asked for.

        Raises:
            DatasetError: there is no such episode, or its data file is missing or corrupt.
        """
        if not 0 <= index < len(self.records):
            have = f'it has {len(self.records)}, counted from 0'
            raise DatasetError(self.folder.root, f'there is no episode {index}; {have}')
        path = self.folder.data(index)
        table = read_table(self.folder.root, path)
        columns_known = (*row_columns(self.spec), *DEFAULT_COLUMNS)
        # A dataset of an older schema has fewer columns; info.json says which.
        keys = [column.key for column in columns_known if column.key in self.info['features']]
        if missing := [key for key in keys if key not in table.column_names]:
            where = path.relative_to(self.folder.root)
            raise DatasetError(self.folder.root, f'{where} has no column {", ".join(missing)}')
        columns = MappingProxyType({key: to_numpy(table, key) for key in keys})
        return Episode(self.records[index], columns, lambda camera: self.video(camera, index))

    def video(self, camera: str, episode: int) -> VideoReader:
        """The open video of a camera.

        Raises:
            UnknownNameError: there is no such camera.
            DatasetError: the file is missing or corrupt.
        """
        if camera not in self.spec.camera_names:
            raise UnknownNameError('camera', camera, known=self.spec.camera_names)
        if self._process != os.getpid():
            # Parent and child would move one file position under each other.
            self._videos, self._process = OrderedDict(), os.getpid()
        path = self.folder.video(image_key(camera), episode)
        if path not in self._videos:
            if len(self._videos) >= self._open_videos:
                self._videos.popitem(last=False)[1].close()
            self._videos[path] = VideoReader(self.folder.root, path, self.spec.fps)
        self._videos.move_to_end(path)
        return self._videos[path]

    def close(self) -> None:
        """Close the videos."""
        while self._videos:
            self._videos.popitem()[1].close()

    def __enter__(self) -> 'DatasetReader':
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _opened(root: Path, open_videos: int) -> DatasetReader:
    return DatasetReader(root, open_videos=open_videos)
