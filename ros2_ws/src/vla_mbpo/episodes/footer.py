"""Rows of a parquet file whose footer was never written: the writer was killed before it closed the file.

The pages of every complete row group are in the file, each with a header. The footer, which says where they are, is
written anew: a file with the same columns gives its form, and a walk over the page headers gives the places.
"""

import copy
import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from vla_mbpo.episodes.thrift import I64
from vla_mbpo.episodes.thrift import LIST
from vla_mbpo.episodes.thrift import STRUCT
from vla_mbpo.episodes.thrift import Reader
from vla_mbpo.episodes.thrift import Sequence
from vla_mbpo.episodes.thrift import Struct
from vla_mbpo.episodes.thrift import encoded

MAGIC = b'PAR1'
TAIL_BYTES = 8
DATA_PAGE, DICTIONARY_PAGE, DATA_PAGE_V2 = 0, 2, 3
PAGE_TYPE, PAGE_PLAIN_SIZE, PAGE_SIZE = 1, 2, 3
PAGE_HEADERS = {DATA_PAGE: 5, DATA_PAGE_V2: 8}
PAGE_VALUES = 1
FILE_ROWS, FILE_GROUPS = 3, 4
GROUP_COLUMNS, GROUP_BYTES, GROUP_ROWS, GROUP_OFFSET, GROUP_SIZE = 1, 2, 3, 5, 6
CHUNK_OFFSET, CHUNK_META = 2, 3
META_VALUES, META_PLAIN_SIZE, META_SIZE, META_DATA, META_DICTIONARY = 5, 6, 7, 9, 11
META_KEPT = (1, 2, 3, 4)
"""Type, encodings, path and codec of a column chunk: the same in all files of these columns."""


class _Chunk:
    """The pages of one column in one row group."""

    def __init__(self, start: int) -> None:
        self.start = start
        self.end = start
        self.values = 0
        self.plain_size = 0
        self.dictionary: int | None = None
        self.data = start


def rows_without_footer(path: Path, schema: pa.Schema) -> pa.Table | None:
    """Rows of the complete row groups of a file with columns `schema`; None if there are none.

    The file is only read. What is found still has to be checked: columns of one type in another order look the same.

    Raises:
        OSError: the file cannot be read.
    """
    data = path.read_bytes()
    if not data.startswith(MAGIC):
        return None
    footer = _template(schema)
    (_, groups) = footer[FILE_GROUPS]
    columns = groups.items[0][GROUP_COLUMNS][1].items
    widths = [_width(field.type) for field in schema for _ in range(_leaves(field.type))]
    found: list[tuple[int, list[_Chunk]]] = []
    place = len(MAGIC)
    while (group := _row_group(data, place, widths)) is not None:
        found.append(group)
        place = group[1][-1].end
    for count in range(len(found), 0, -1):
        table = _read(data, footer, columns, found[:count])
        if table is not None:
            return table
    return None


def _template(schema: pa.Schema) -> Struct:
    """Footer of a file with one row of these columns."""
    row = pa.Table.from_arrays(
        [pa.array([_example(f.type)], f.type) for f in schema], schema=schema
    )
    file = io.BytesIO()
    pq.write_table(row, file, compression='snappy')
    data = file.getvalue()
    size = int.from_bytes(data[-TAIL_BYTES : -len(MAGIC)], 'little')
    return Reader(data[-TAIL_BYTES - size : -TAIL_BYTES]).struct()


def _example(kind: pa.DataType) -> object:
    if pa.types.is_fixed_size_list(kind):
        return [_example(kind.value_type)] * kind.list_size
    if pa.types.is_struct(kind):
        return {field.name: _example(field.type) for field in kind}
    if pa.types.is_string(kind):
        return ''
    if pa.types.is_binary(kind):
        return b''
    return False if pa.types.is_boolean(kind) else 0


def _leaves(kind: pa.DataType) -> int:
    return kind.num_fields if pa.types.is_struct(kind) else 1


def _width(kind: pa.DataType) -> int:
    """Values per row of a column."""
    return _width(kind.value_type) * kind.list_size if pa.types.is_fixed_size_list(kind) else 1


def _row_group(data: bytes, place: int, widths: list[int]) -> tuple[int, list[_Chunk]] | None:
    """Number of rows, and the columns, of the row group at `place`; None if it is not complete."""
    pages = 1
    while pages <= len(data):
        first = _chunk(data, place, pages=pages)
        if first is None:
            return None
        rows, rest = divmod(first.values, widths[0])
        chunks = [first]
        for width in widths[1:]:
            chunk = _chunk(data, chunks[-1].end, values=rows * width)
            if chunk is None:
                break
            chunks.append(chunk)
        if not rest and len(chunks) == len(widths):
            return rows, chunks
        pages += 1  # the first column went on
    return None


def _chunk(data: bytes, place: int, *, values: int = 0, pages: int = 0) -> _Chunk | None:
    """The column chunk at `place`, of so many values or data pages."""
    chunk = _Chunk(place)
    found = 0
    while found < pages or chunk.values < values:
        page = _page(data, chunk.end)
        if page is None:
            return None
        kind, header_size, size, plain_size, count = page
        if kind == DICTIONARY_PAGE:
            if found or chunk.dictionary is not None:
                return None  # the next column begins
            chunk.dictionary = chunk.end
        else:
            chunk.data = chunk.end if not found else chunk.data
            chunk.values += count
            found += 1
        chunk.end += header_size + size
        chunk.plain_size += header_size + plain_size
    return chunk if not values or chunk.values == values else None


def _page(data: bytes, place: int) -> tuple[int, int, int, int, int] | None:
    """Kind, size of the header, stored and plain size, and values of the page at `place`."""
    reader = Reader(data, place)
    try:
        header = reader.struct()
        kind, size = int(header[PAGE_TYPE][1]), int(header[PAGE_SIZE][1])
        plain = int(header[PAGE_PLAIN_SIZE][1])
        count = 0
        if kind in PAGE_HEADERS:
            count = int(header[PAGE_HEADERS[kind]][1][PAGE_VALUES][1])
        elif kind != DICTIONARY_PAGE:
            return None
    except (ValueError, KeyError, TypeError):
        return None
    is_inside = size > 0 and reader.place + size <= len(data)
    return (kind, reader.place - place, size, plain, count) if is_inside else None


def _read(
    data: bytes, template: Struct, columns: list[Struct], groups: list[tuple[int, list[_Chunk]]]
) -> pa.Table | None:
    """The rows, if all pages are whole."""
    footer = dict(template)
    items = [_group(rows, chunks, columns) for rows, chunks in groups]
    kind, old = footer[FILE_GROUPS]
    footer[FILE_GROUPS] = (kind, Sequence(old.kind, items))
    footer[FILE_ROWS] = (I64, sum(rows for rows, _ in groups))
    tail = encoded(footer)
    whole = data[: groups[-1][1][-1].end] + tail + len(tail).to_bytes(4, 'little') + MAGIC
    try:
        with pq.ParquetFile(io.BytesIO(whole)) as file:
            return file.read()
    except (OSError, pa.ArrowException):
        return None


def _group(rows: int, chunks: list[_Chunk], columns: list[Struct]) -> Struct:
    parts = [_column(chunk, column) for chunk, column in zip(chunks, columns, strict=True)]
    sizes = [chunk.end - chunk.start for chunk in chunks]
    return {
        GROUP_COLUMNS: (LIST, Sequence(STRUCT, parts)),
        GROUP_BYTES: (I64, sum(chunk.plain_size for chunk in chunks)),
        GROUP_ROWS: (I64, rows),
        GROUP_OFFSET: (I64, chunks[0].start),
        GROUP_SIZE: (I64, sum(sizes)),
    }


def _column(chunk: _Chunk, template: Struct) -> Struct:
    kind, old = template[CHUNK_META]
    meta = {number: copy.copy(old[number]) for number in META_KEPT}
    meta |= {
        META_VALUES: (I64, chunk.values),
        META_PLAIN_SIZE: (I64, chunk.plain_size),
        META_SIZE: (I64, chunk.end - chunk.start),
        META_DATA: (I64, chunk.data),
    }
    if chunk.dictionary is not None:
        meta[META_DICTIONARY] = (I64, chunk.dictionary)
    return {CHUNK_OFFSET: (I64, 0), CHUNK_META: (kind, meta)}
