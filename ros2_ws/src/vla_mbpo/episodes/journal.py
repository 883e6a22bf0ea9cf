"""An episode while it is recorded: a folder in which everything written so far can be read.

`info.json` (what and which dataset), `rows.arrows` (Arrow IPC stream, one flushed batch per row),
`<camera>.mp4` (fragmented, one fragment per frame) and, once the operator has judged, `result.json`.
"""

import shutil
from collections.abc import Mapping
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pyarrow as pa

from vla_mbpo.config import from_mapping
from vla_mbpo.episodes.features import arrow_schema
from vla_mbpo.episodes.features import row_batch
from vla_mbpo.episodes.features import row_columns
from vla_mbpo.episodes.files import read_json
from vla_mbpo.episodes.files import sync_file
from vla_mbpo.episodes.files import write_json
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


def video_path(folder: Path, camera: str) -> Path:
    """Fragmented video of a camera in a journal folder."""
    return folder / f'{camera}.mp4'


def read_header(folder: Path) -> JournalHeader:
    """Header of a journal folder.

    Raises:
        DatasetError: the header is missing or no JSON.
        ConfigError: it does not fit the schema.
    """
    path = folder / HEADER_FILE
    return from_mapping(JournalHeader, read_json(folder, path), source=str(path))


def read_rows(folder: Path) -> pa.Table:
    """All rows of a journal that was closed.

    Raises:
        OSError, pa.ArrowException: the stream cannot be read to its end.
    """
    with pa.OSFile(str(folder / ROWS_FILE)) as file, pa.ipc.open_stream(file) as reader:
        return reader.read_all()


class Journal:
    """Writes the folder of one episode."""

    def __init__(self, folder: Path, header: JournalHeader, *, queued_frames: int) -> None:
        self.folder = folder
        self.header = header
        self.rows = 0
        self.flagged_rows = 0
        self._schema = arrow_schema(row_columns(header.spec))
        self._encoders = {
            camera.name: VideoEncoder(
                video_path(folder, camera.name), camera, header.spec.fps, capacity=queued_frames
            )
            for camera in header.spec.cameras
        }
        self._last: Row | None = None
        self._file: pa.OSFile | None = None
        self._stream: pa.ipc.RecordBatchStreamWriter | None = None

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
        self.folder.mkdir(parents=True)
        write_json(self.folder / HEADER_FILE, asdict(self.header))
        self._file = pa.OSFile(str(self.folder / ROWS_FILE), 'wb')
        self._stream = pa.ipc.new_stream(self._file, self._schema)
        for encoder in self._encoders.values():
            encoder.start()

    def add(self, row: Row) -> Row:
        """Store a row; returns it as stored, which differs where an encoder was behind.

        Raises:
            OSError, ValueError: the disk is full or an encoder failed.
        """
        assert self._stream is not None
        stalled = [
            name for name, encoder in self._encoders.items() if not encoder.put(row.images[name])
        ]
        if stalled and self._last is not None:
            row = _with_pictures_of(self._last, row, stalled)
        self._stream.write_batch(row_batch(row, self._schema))
        self._last = row
        self.rows += 1
        self.flagged_rows += row.flags != Flag.NONE
        return row

    def close(self) -> None:
        """Finish every file; they are on the disk afterwards.

        Raises:
            OSError, ValueError: the disk is full or an encoder failed.
        """
        for encoder in self._encoders.values():
            encoder.close()
        self._close_rows()
        sync_file(self.folder / ROWS_FILE)

    def cancel(self) -> None:
        """Stop; what was written stays as it is."""
        for encoder in self._encoders.values():
            encoder.cancel()
        if self._file is not None and not self._file.closed:
            self._file.close()

    def write_result(self, result: EpisodeResult, report: Mapping[str, Any]) -> None:
        """Keep what the operator and the synchroniser said, in case publishing is cut short."""
        value = {'result': asdict(result), 'sync_report': dict(report)}
        write_json(self.folder / RESULT_FILE, value)

    def remove(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self.folder)

    def _close_rows(self) -> None:
        assert self._stream is not None
        assert self._file is not None
        self._stream.close()
        self._file.close()


def _with_pictures_of(before: Row, row: Row, cameras: list[str]) -> Row:
    """`row` with the pictures of `cameras`, and their stamps, taken from the row before."""
    repeated = {camera: before.capture_ns[camera] for camera in cameras}
    received = {camera: before.receipt_ns[camera] for camera in cameras}
    return replace(
        row,
        images={**row.images, **{camera: before.images[camera] for camera in cameras}},
        capture_ns={**row.capture_ns, **repeated},
        receipt_ns={**row.receipt_ns, **received},
        flags=row.flags | Flag.ENCODER_STALL | Flag.REPEATED_FRAME,
    )
