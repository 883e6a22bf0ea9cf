"""Random access to the frames of one video, through a container that stays open."""

from collections.abc import Iterator
from pathlib import Path

import av

from vla_mbpo.episodes.clock import exact_rate
from vla_mbpo.episodes.schema import Image
from vla_mbpo.errors import DatasetError


class VideoReader:
    """Decodes frames of a video whose frame k is stamped k / fps.

    Going forward frame by frame decodes each once; a jump seeks to the key frame before.
    """

    def __init__(self, root: Path, path: Path, fps: float) -> None:
        self._root = root
        self._path = path
        self._rate = exact_rate(fps)
        self._container = self._opened()
        self._stream = self._container.streams.video[0]
        self._stream.codec_context.thread_count = 1
        self._decoded: Iterator[tuple[int, Image]] = iter(())
        self._next = -1

    def frame(self, k: int) -> Image:
        """Frame k as uint8 [H, W, 3] RGB.

        Raises:
            DatasetError: the file has no such frame or is corrupt.
        """
        try:
            if k != self._next:
                self._seek(k)
            for found, image in self._decoded:
                if found == k:
                    self._next = k + 1
                    return image
                if found > k:
                    break
        except (OSError, ValueError) as error:
            raise self._unreadable(error) from error
        raise DatasetError(self._root, f'{self._where} has no frame {k}')

    def frames(self) -> Iterator[Image]:
        """All frames in order.

        Raises:
            DatasetError: the file is corrupt.
        """
        try:
            self._seek(0)
            for _, image in self._decoded:
                yield image
        except (OSError, ValueError) as error:
            raise self._unreadable(error) from error

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

    def _seek(self, k: int) -> None:
        self._next = -1
        stamp = round(k / self._rate / self._stream.time_base)
        self._container.seek(stamp, stream=self._stream)
        self._decoded = (
            (round(frame.pts * frame.time_base * self._rate), frame.to_ndarray(format='rgb24'))
            for frame in self._container.decode(self._stream)
        )
