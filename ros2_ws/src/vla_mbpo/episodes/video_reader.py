"""Random access to the frames of one video, through a container that stays open."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from vla_mbpo.episodes.clock import exact_rate
from vla_mbpo.episodes.schema import Image
from vla_mbpo.episodes.video import video_stream
from vla_mbpo.errors import DatasetError


class VideoReader:
    """Decodes frames of a video whose frame k is stamped k / fps.

    Only what is asked for becomes a picture. Going forward decodes each frame once; a jump over a key frame, or back,
    seeks. One thread, no read-ahead; a process that was forked must open its own.
    """

    def __init__(self, root: Path, path: Path, fps: float) -> None:
        self._root = root
        self._path = path
        self._container = self._opened()
        try:
            self._stream = video_stream(self._container, path)
        except ValueError as error:
            raise self._unreadable(error) from error
        # Frame threads would decode ahead of a random access and throw the result away.
        self._stream.thread_type = 'NONE'
        self._stream.codec_context.thread_count = 1
        self._ticks_per_frame = float(1 / (exact_rate(fps) * Fraction(self._stream.time_base)))
        # A frame's own conversion sets its tables up anew each time: a fifth of the cost of a frame.
        self._converter = VideoReformatter()
        self._decoded: Iterator[av.VideoFrame] = iter(())
        self._current: av.VideoFrame | None = None

    def frame(self, k: int) -> Image:
        """Frame k as uint8 [H, W, 3] RGB, writable and the caller's own.

        Raises:
            DatasetError: the file has no such frame or is corrupt.
        """
        try:
            return self._image(self._decoded_frame(k))
        except (OSError, ValueError) as error:
            raise self._unreadable(error) from error

    def frames(self) -> Iterator[Image]:
        """All frames in order; another call on this reader in between does no harm.

        Raises:
            DatasetError: the file is corrupt.
        """
        k = 0
        while True:
            try:
                frame = self._found(k)
                if frame is None:
                    return
                image = self._image(frame)
            except (OSError, ValueError) as error:
                raise self._unreadable(error) from error
            yield image
            k = self._number(frame) + 1

    def close(self) -> None:
        """Free the decoder."""
        self._container.close()

    @property
    def _where(self) -> Path:
        return self._path.relative_to(self._root)

    def _opened(self) -> 'av.container.InputContainer':
        try:
            return av.open(str(self._path))
        except FileNotFoundError as error:
            raise DatasetError(self._root, f'{self._where} is missing') from error
        except (OSError, ValueError) as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: Exception) -> DatasetError:
        return DatasetError(self._root, f'{self._where} cannot be read: {error}')

    def _decoded_frame(self, k: int) -> 'av.VideoFrame':
        frame = self._found(k) if k >= 0 else None
        if frame is None or self._number(frame) != k:
            raise DatasetError(self._root, f'{self._where} has no frame {k}')
        return frame

    def _found(self, k: int) -> 'av.VideoFrame | None':
        """The first frame from `k` on; None behind the last one."""
        at = -1 if self._current is None else self._number(self._current)
        if self._current is None or k < at or self._key_frame_before(k) > at:
            self._container.seek(self._stamp(k), stream=self._stream)
            self._decoded = (
                frame for packet in self._container.demux(self._stream) for frame in packet.decode()
            )
            self._current = None
        elif k == at:
            return self._current
        for frame in self._decoded:
            self._current = frame
            if self._number(frame) >= k:
                return frame
        self._current = None
        return None

    def _key_frame_before(self, k: int) -> int:
        """Number of the last frame up to `k` at which decoding can begin; -1 if the file does not say."""
        entries = self._stream.index_entries
        found = entries.search_timestamp(self._stamp(k))
        return round(entries[found].timestamp / self._ticks_per_frame) if found >= 0 else -1

    def _stamp(self, k: int) -> int:
        return round(k * self._ticks_per_frame)

    def _number(self, frame: 'av.VideoFrame') -> int:
        number: int = round(frame.pts / self._ticks_per_frame)
        return number

    def _image(self, frame: 'av.VideoFrame') -> Image:
        converted = self._converter.reformat(frame, format='rgb24', threads=1)
        return np.asarray(converted.to_ndarray(), dtype=np.uint8)
