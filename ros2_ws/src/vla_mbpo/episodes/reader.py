"""Reads episode datasets: columns as arrays, pictures decoded when asked for."""

from collections import OrderedDict
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from types import TracebackType
from typing import Any

from numpy.typing import NDArray

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

OPEN_VIDEOS = 24


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
    """Reads one dataset folder; videos that were asked for stay open until `close`.

    Raises:
        DatasetError: naming the file that is missing, corrupt or of another version.
    """

    def __init__(self, root: Path) -> None:
        self.folder = DatasetFolder(root)
        self.info: Mapping[str, Any] = MappingProxyType(read_info(self.folder))
        """Content of info.json."""
        self.spec: DatasetSpec = spec_of(self.folder, dict(self.info))
        self.records: tuple[EpisodeRecord, ...] = tuple(read_records(self.folder, self.spec))
        self._videos: OrderedDict[Path, VideoReader] = OrderedDict()

    def __len__(self) -> int:
        return len(self.records)

    def summaries(self) -> list[EpisodeSummary]:
        """All episodes as the dataset table shows them."""
        return [record.summary(self.spec.fps) for record in self.records]

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
        keys = [column.key for column in (*row_columns(self.spec), *DEFAULT_COLUMNS)]
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
        path = self.folder.video(image_key(camera), episode)
        if path not in self._videos:
            self._videos[path] = VideoReader(self.folder.root, path, self.spec.fps)
        self._videos.move_to_end(path)
        if len(self._videos) > OPEN_VIDEOS:
            self._videos.popitem(last=False)[1].close()
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
