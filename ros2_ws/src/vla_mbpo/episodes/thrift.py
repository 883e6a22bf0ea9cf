"""Thrift's compact protocol, as far as parquet's footer and page headers need it."""

from dataclasses import dataclass
from typing import Any

TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, MAP, STRUCT = range(1, 13)
LONG_LIST = 15
MAX_DEPTH = 16
VARINT_BYTES = 10

Struct = dict[int, tuple[int, Any]]
"""Kind and value by field number, in order."""


@dataclass(frozen=True)
class Sequence:
    """A list whose items are all of one kind."""

    kind: int
    items: list[Any]


class Reader:
    """Reads structs from `data`, beginning at `place`.

    Raises:
        ValueError: what is there is no struct, or is cut off.
    """

    def __init__(self, data: bytes, place: int = 0) -> None:
        self._data = data
        self.place = place

    def struct(self, depth: int = 0) -> Struct:
        """The next struct."""
        if depth > MAX_DEPTH:
            raise ValueError('nested too deep')
        fields: Struct = {}
        number = 0
        while head := self._byte():
            delta, kind = head >> 4, head & 15
            number = number + delta if delta else self._zigzag()
            is_flag = kind in (TRUE, FALSE)
            fields[number] = (kind, kind == TRUE if is_flag else self._value(kind, depth))
        return fields

    def _value(self, kind: int, depth: int) -> Any:  # noqa: ANN401  as the bytes say
        if kind in (TRUE, FALSE, BYTE):
            return self._byte()
        if kind in (I16, I32, I64):
            return self._zigzag()
        if kind == DOUBLE:
            return self._bytes(8)
        if kind == BINARY:
            return self._bytes(self._varint())
        if kind in (LIST, SET):
            return self._list(depth)
        if kind == STRUCT:
            return self.struct(depth + 1)
        raise ValueError(f'unknown kind {kind}')

    def _list(self, depth: int) -> Sequence:
        head = self._byte()
        count, kind = head >> 4, head & 15
        count = self._varint() if count == LONG_LIST else count
        if count > len(self._data):
            raise ValueError('a list is longer than the file')
        return Sequence(kind, [self._value(kind, depth) for _ in range(count)])

    def _byte(self) -> int:
        return self._bytes(1)[0]

    def _bytes(self, count: int) -> bytes:
        end = self.place + count
        if end > len(self._data):
            raise ValueError('cut off')
        found = self._data[self.place : end]
        self.place = end
        return found

    def _varint(self) -> int:
        value = 0
        for shift in range(0, 7 * VARINT_BYTES, 7):
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:  # noqa: PLR2004  the continuation bit
                return value
        raise ValueError('a number is too long')

    def _zigzag(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)


def encoded(fields: Struct) -> bytes:
    """Inverse of `Reader.struct`."""
    out = bytearray()
    before = 0
    for number, (kind, value) in fields.items():
        stored = (TRUE if value else FALSE) if kind in (TRUE, FALSE) else kind
        out.append((number - before) << 4 | stored)
        before = number
        if kind not in (TRUE, FALSE):
            out += _encoded_value(kind, value)
    return bytes(out) + b'\0'


def _encoded_value(kind: int, value: Any) -> bytes:  # noqa: ANN401  as the kind says
    if kind in (TRUE, FALSE, BYTE):
        return bytes([value])
    if kind in (I16, I32, I64):
        return _varint((value << 1) ^ (value >> 63))
    if kind == DOUBLE:
        return bytes(value)
    if kind == BINARY:
        return _varint(len(value)) + bytes(value)
    return encoded(value) if kind == STRUCT else _encoded_list(value)


def _encoded_list(value: Sequence) -> bytes:
    items = b''.join(_encoded_value(value.kind, item) for item in value.items)
    count = len(value.items)
    if count < LONG_LIST:
        return bytes([count << 4 | value.kind]) + items
    return bytes([LONG_LIST << 4 | value.kind]) + _varint(count) + items


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:  # noqa: PLR2004  seven bits a byte
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])
