"""Pictures straight out of serialised messages: no message object is built, and no byte is copied."""

import struct

import numpy as np
from numpy.typing import NDArray

from vla_mbpo.errors import VlaMbpoError

NS_PER_S = 1_000_000_000
LITTLE_ENDIAN = b'\x00\x01'
"""First bytes of a message in plain CDR, little endian: what Fast DDS and Cyclone DDS send on all our machines."""
_ENCODING = b'rgb8'
_STAMP_AND_LENGTH = struct.Struct('<4xiII')
_SIZE_AND_LENGTH = struct.Struct('<III')
_STEP_AND_LENGTH = struct.Struct('<II')


def stamped_picture(data: bytes) -> tuple[int, NDArray[np.uint8]]:
    """Stamp in ns and picture uint8 [H, W, 3] of a serialised rgb8 sensor_msgs/Image; the picture is a view of `data`.

    Raises:
        VlaMbpoError: another encoding, rows with padding, or something that is no Image.
    """
    try:
        return _stamped_picture(data)
    except struct.error as error:
        raise VlaMbpoError(f'image of {len(data)} bytes: not a whole message ({error})') from error


def _stamped_picture(data: bytes) -> tuple[int, NDArray[np.uint8]]:
    if data[:2] != LITTLE_ENDIAN:
        raise VlaMbpoError(
            f'image: expected CDR little endian ({LITTLE_ENDIAN.hex()}), got {data[:2].hex()}'
        )
    seconds, nanoseconds, length = _STAMP_AND_LENGTH.unpack_from(data)
    at = _aligned(_STAMP_AND_LENGTH.size + length)
    height, width, length = _SIZE_AND_LENGTH.unpack_from(data, at)
    at += _SIZE_AND_LENGTH.size
    encoding = data[at : at + length].rstrip(b'\0')
    at = _aligned(at + length + 1)  # is_bigendian is one byte
    _, size = _STEP_AND_LENGTH.unpack_from(data, at)
    at += _STEP_AND_LENGTH.size
    expected = (height, width, 3)
    if encoding != _ENCODING or size != height * width * 3 or len(data) < at + size:
        raise VlaMbpoError(
            f'image: expected rgb8 {expected}, got {encoding.decode(errors="replace")} with {size} bytes'
        )
    picture = np.frombuffer(data, np.uint8, size, at).reshape(expected)
    return seconds * NS_PER_S + nanoseconds, picture


def _aligned(offset: int) -> int:
    """`offset` rounded up to a multiple of four; the header before the message is one itself."""
    return (offset + 3) & ~3
