"""An episode while it is recorded: a folder in which everything written so far can be read.

`info.json` (what and which dataset), `rows.arrows` (Arrow IPC stream, one flushed batch per row),
`<camera>.mp4` (fragmented, one fragment per frame), `staged-<camera>.mp4` (to be saved) and, once the operator has
judged, `result.json`.
"""

import shutil
import uuid
from collections.abc import Mapping
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pyarrow as pa

from vla_mbpo.config import from_mapping
from vla_mbpo.episodes.disk_sync import DiskSync
from vla_mbpo.episodes.features import arrow_schema
from vla_mbpo.episodes.features import row_batch
from vla_mbpo.episodes.features import row_columns
from vla_mbpo.episodes.files import make_folder
from vla_mbpo.episodes.files import read_json
from vla_mbpo.episodes.files import sync_folder
from vla_mbpo.episodes.files import write_json
from vla_mbpo.episodes.folder import DISCARDED_PREFIX
from vla_mbpo.episodes.report import SyncReport
from vla_mbpo.episodes.row_stream import RowStream
from vla_mbpo.episodes.row_stream import read_stream
from vla_mbpo.episodes.schema import DatasetSpec
from vla_mbpo.episodes.schema import EpisodeInfo
from vla_mbpo.episodes.schema import EpisodeResult
from vla_mbpo.episodes.schema import Flag
from vla_mbpo.episodes.schema import Row
from vla_mbpo.episodes.statistics import PixelHistogram
from vla_mbpo.episodes.video import VideoEncoder

HEADER_FILE = 'info.json'
RESULT_FILE = 'result.json'
ROWS_FILE = 'rows.arrows'


@dataclass(frozen=True, kw_only=True)
class JournalHeader:
    """What is known before the first row."""

    episode: int
    recording_id: str
    info: EpisodeInfo
    spec: DatasetSpec


@dataclass(frozen=True, kw_only=True)
class JournalResult:
    """What the operator and the synchroniser said at the end."""

    result: EpisodeResult
    sync_report: SyncReport | None


def video_path(folder: Path, camera: str) -> Path:
    """Fragmented video of a camera in a journal folder."""
    return folder / f'{camera}.mp4'


def staged_video_path(folder: Path, camera: str) -> Path:
    """Ordinary video of a camera in a journal folder, to be moved into the dataset."""
    return folder / f'staged-{camera}.mp4'


def read_header(folder: Path) -> JournalHeader:
    """Header of a journal folder.

    Raises:
        DatasetError: the header is missing or no JSON.
        ConfigError: it does not fit the schema.
    """
    path = folder / HEADER_FILE
    return from_mapping(JournalHeader, read_json(folder, path), source=str(path))


def read_result(folder: Path) -> JournalResult | None:
    """What was said at the end; None if recording had not ended.

    Raises:
        DatasetError: the file is no JSON.
        ConfigError: it does not fit the schema.
    """
    path = folder / RESULT_FILE
    if not path.exists():
        return None
    return from_mapping(JournalResult, read_json(folder, path), source=str(path))


def read_rows(folder: Path, spec: DatasetSpec) -> pa.Table:
    """The rows of a journal, up to where it was cut short.

    Raises:
        OSError: there is no such file.
    """
    schema = arrow_schema(row_columns(spec))
    batches = [batch for batch in read_stream(folder / ROWS_FILE) if batch.schema == schema]
    return pa.Table.from_batches(batches, schema=schema).combine_chunks()


class Journal:
    """Writes the folder of one episode, each file by a thread of its own."""

    def __init__(self, folder: Path, header: JournalHeader, *, queued_frames: int) -> None:
        self.folder = folder
        self.header = header
        self.rows = 0
        self.flagged_rows = 0
        self._schema = arrow_schema(row_columns(header.spec))
        self._stream = RowStream(folder / ROWS_FILE, self._schema)
        self._encoders = {
            camera.name: VideoEncoder(
                video_path(folder, camera.name),
                camera,
                header.spec.fps,
                final=staged_video_path(folder, camera.name),
                capacity=queued_frames,
            )
            for camera in header.spec.cameras
        }
        self._sync = DiskSync(self._files())
        self._last: Row | None = None

    @property
    def histograms(self) -> Mapping[str, PixelHistogram]:
        """Pixels of each camera, complete after `close`."""
        parts = {name: encoder.histogram for name, encoder in self._encoders.items()}
        return MappingProxyType(parts)

    def open(self) -> None:
        """Create the folder and its files.

        Raises:
            OSError: it exists already or cannot be written.
        """
        make_folder(self.folder.parent)
        self.folder.mkdir()
        for path in self._files():
            path.touch()
        write_json(self.folder / HEADER_FILE, asdict(self.header))
        sync_folder(self.folder.parent)
        self._stream.start()
        for encoder in self._encoders.values():
            encoder.start()
        self._sync.start()

    def add(self, row: Row) -> Row:
        """Store a row; returns it as stored, which differs where an encoder was behind.

        Raises:
            OSError, ValueError: the disk is full, the folder is gone, or an encoder failed.
        """
        self._sync.check()
        stalled = [
            name for name, encoder in self._encoders.items() if not encoder.put(row.images[name])
        ]
        if stalled and self._last is not None:
            row = row.with_pictures_of(self._last, stalled)
            row = replace(row, flags=row.flags | Flag.ENCODER_STALL | Flag.REPEATED_FRAME)
        self._stream.put(row_batch(row, self._schema))
        self._last = row
        self.rows += 1
        self.flagged_rows += row.flags != Flag.NONE
        return row

    def close(self) -> None:
        """Finish every file.

        Raises:
            OSError, ValueError: the disk is full, the folder is gone, or an encoder failed.
        """
        self._sync.stop()
        for encoder in self._encoders.values():
            encoder.close()
        self._stream.close()
        self._sync.check()
        for path in self._files():
            path.stat()  # open files outlive their names

    def cancel(self) -> None:
        """Stop; what was written stays as it is."""
        self._sync.stop()
        for encoder in self._encoders.values():
            encoder.cancel()
        self._stream.cancel()

    def write_result(self, result: EpisodeResult, report: SyncReport | None) -> None:
        """Keep what the operator and the synchroniser said, in case publishing is cut short."""
        value = asdict(JournalResult(result=result, sync_report=report))
        write_json(self.folder / RESULT_FILE, value)

    def _files(self) -> list[Path]:
        """The files that grow."""
        names = self.header.spec.camera_names
        return [
            self.folder / ROWS_FILE,
            *(video_path(self.folder, name) for name in names),
            *(staged_video_path(self.folder, name) for name in names),
        ]


def retire(folder: Path) -> Path:
    """Give a journal a name under which it is not taken for a recording any more; returns its new path."""
    retired = folder.with_name(f'{DISCARDED_PREFIX}{uuid.uuid4().hex}')
    folder.rename(retired)
    return retired


def throw_away(folder: Path) -> None:
    """Delete a journal for good; cut short at any point, what is left is not taken for a recording."""
    if folder.exists():
        shutil.rmtree(retire(folder))
