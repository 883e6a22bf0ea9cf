"""The whole fragments of a fragmented mp4 that was cut short: demuxers fail at half a box instead of ending there."""

import io
import os
import struct
from collections.abc import Iterator
from pathlib import Path

BOX_HEADER = struct.Struct('>I4s')
LONG_SIZE = struct.Struct('>Q')
IS_LONG = 1
"""Size of a box whose real size follows its type."""


def whole_length(path: Path) -> int:
    """Length of the part of the file that ends with a whole fragment, 0 if there is none.

    Raises:
        OSError: the file cannot be read.
    """
    length, before = 0, b''
    for kind, end in _boxes(path):
        if (before, kind) == (b'moof', b'mdat'):
            length = end
        before = kind
    return length


def _boxes(path: Path) -> Iterator[tuple[bytes, int]]:
    """Type and end of the boxes of the outermost level that are whole."""
    size = path.stat().st_size
    with path.open('rb') as file:
        start = 0
        while start + BOX_HEADER.size <= size:
            file.seek(start)
            length, kind = BOX_HEADER.unpack(file.read(BOX_HEADER.size))
            if length == IS_LONG:
                rest = file.read(LONG_SIZE.size)
                length = LONG_SIZE.unpack(rest)[0] if len(rest) == LONG_SIZE.size else 0
            if length < BOX_HEADER.size or start + length > size:
                return
            start += length
            yield kind, start


class FilePrefix(io.FileIO):
    """The first `length` bytes of a file, for reading."""

    def __init__(self, path: Path, length: int) -> None:
        super().__init__(path, 'rb')
        self._length = length

    def read(self, size: int | None = -1, /) -> bytes:
        """Up to `size` bytes; all up to the end of the prefix if negative."""
        rest = max(0, self._length - self.tell())
        wanted = rest if size is None or size < 0 else min(size, rest)
        return super().read(wanted) or b''

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """As of any file; the end is that of the prefix."""
        if whence == os.SEEK_END:
            return super().seek(self._length + offset)
        return super().seek(offset, whence)
