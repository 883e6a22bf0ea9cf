"""Makes an episode of a journal that was cut short: the longest prefix of rows that is sound in every file."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from vla_mbpo.episodes.clock import exact_rate
from vla_mbpo.episodes.features import to_numpy
from vla_mbpo.episodes.fragments import FilePrefix
from vla_mbpo.episodes.fragments import whole_length
from vla_mbpo.episodes.journal import JournalResult
from vla_mbpo.episodes.journal import read_header
from vla_mbpo.episodes.journal import read_result
from vla_mbpo.episodes.journal import read_rows
from vla_mbpo.episodes.journal import staged_video_path
from vla_mbpo.episodes.journal import video_path
from vla_mbpo.episodes.publish import Finished
from vla_mbpo.episodes.schema import ACTION
from vla_mbpo.episodes.schema import ACTION_REQUESTED
from vla_mbpo.episodes.schema import STATE
from vla_mbpo.episodes.schema import TICK_NS
from vla_mbpo.episodes.schema import CameraFormat
from vla_mbpo.episodes.schema import DatasetSpec
from vla_mbpo.episodes.schema import EpisodeResult
from vla_mbpo.episodes.schema import Image
from vla_mbpo.episodes.schema import capture_key
from vla_mbpo.episodes.schema import skew_key
from vla_mbpo.episodes.statistics import PixelHistogram
from vla_mbpo.episodes.video import remux
from vla_mbpo.errors import DatasetError
from vla_mbpo.errors import VlaMbpoError

STRICT = {'err_detect': 'explode'}
"""The decoder reports damage instead of painting over it."""


def salvage(folder: Path, spec: DatasetSpec) -> tuple[Finished, int]:
    """A torn journal as a recording that can be saved, and the number of rows it holds.

    Only staged files are written: cut short at any point, it can be done again.

    Raises:
        DatasetError: not a single row is whole, or it belongs to another kind of dataset.
        ConfigError: the header does not fit the schema.
        OSError, ValueError: a file cannot be read or written, or the disk is full.
    """
    header = read_header(folder)
    if header.spec != spec:
        raise DatasetError(folder, 'is of another robot, rate, camera set or layout')
    rows = read_rows(folder, spec)
    found, sound = len(rows), sound_rows(rows, spec)
    frames, histograms = _sound_frames(folder, spec, limit=sound)
    if not frames:
        raise DatasetError(folder, f'no row has all its pictures ({found} rows were written)')
    videos = {name: staged_video_path(folder, name) for name in spec.camera_names}
    for name, staged in videos.items():
        with whole_part(video_path(folder, name)) as source:
            copied = remux(source, staged, spec.fps, frames=frames)
        if copied != frames:
            raise DatasetError(folder, f'{name}: {copied} of {frames} frames could be copied')
    said = _said(folder)
    result = said.result if said else EpisodeResult(outcome='unlabelled')
    finished = Finished(
        folder=folder,
        header=header,
        rows=rows.slice(0, frames),
        videos=videos,
        histograms=histograms,
        result=EpisodeResult(outcome=result.outcome, note=result.note, recovered=True),
        report=said.sync_report if said else None,
        remark=f'recovered: {frames} of {found} rows',
    )
    return finished, found


def sound_rows(rows: pa.Table, spec: DatasetSpec) -> int:
    """Length of the prefix of `rows` whose values are finite and whose stamps agree and increase."""
    if not len(rows):
        return 0
    tick_ns = to_numpy(rows, TICK_NS)
    is_sound = np.concatenate([[tick_ns[0] > 0], np.diff(tick_ns) > 0])
    for key in (STATE, ACTION, ACTION_REQUESTED):
        is_sound &= np.isfinite(to_numpy(rows, key)).all(axis=1)
    for camera in spec.camera_names:
        skew_ns = to_numpy(rows, capture_key(camera)) - tick_ns
        is_sound &= to_numpy(rows, skew_key(camera)) == skew_ns
    return len(rows) if is_sound.all() else int(np.argmin(is_sound))


def sound_frames(path: Path, camera: CameraFormat, fps: float) -> Iterator[Image]:
    """Pictures of a journal video in order, as far as each is whole, decodes and is stamped k / fps."""
    rate = exact_rate(fps)
    try:
        with whole_part(path) as file, av.open(file) as container:
            stream = container.streams.video[0]
            stream.thread_type = 'NONE'
            stream.codec_context.options = STRICT
            for k, packet in enumerate(container.demux(stream)):
                if packet.pts is None or packet.is_corrupt:
                    return
                if packet.pts * packet.time_base != k / rate:
                    return
                for frame in packet.decode():
                    image: NDArray[Any] = frame.to_ndarray(format='rgb24')
                    if image.shape[:2] != (camera.height, camera.width):
                        return
                    yield image
    except (OSError, ValueError, EOFError, IndexError):  # how PyAV reports damaged and empty files
        return


def whole_part(path: Path) -> FilePrefix:
    """A journal video without the fragment that was cut short.

    Raises:
        OSError: the file cannot be read.
    """
    return FilePrefix(path, whole_length(path))


def _sound_frames(
    folder: Path, spec: DatasetSpec, *, limit: int
) -> tuple[int, dict[str, PixelHistogram]]:
    """Number of frames, at most `limit`, that are sound in all cameras' videos, and their pixels."""
    histograms = {name: PixelHistogram() for name in spec.camera_names}
    videos = [
        sound_frames(video_path(folder, camera.name), camera, spec.fps) for camera in spec.cameras
    ]
    frames = 0
    # The range comes first: zip takes nothing from the videos once it has ended.
    for _, *images in zip(range(limit), *videos, strict=False):
        for name, image in zip(spec.camera_names, images, strict=True):
            histograms[name].add(image)
        frames += 1
    return frames, histograms


def _said(folder: Path) -> JournalResult | None:
    """What was said at the end; None if recording had not ended or the file is damaged."""
    try:
        return read_result(folder)
    except VlaMbpoError:
        return None
