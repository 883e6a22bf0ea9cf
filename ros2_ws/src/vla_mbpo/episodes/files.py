"""Files that are either there, whole and on the disk, or not there."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from vla_mbpo.errors import DatasetError

TEMPORARY_SUFFIX = '.part'


def sync_file(path: Path) -> None:
    """Wait until the content of `path` is on the disk."""
    with path.open('rb') as file:
        os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    """Wait until the names in `path` are on the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(path: Path) -> None:
    """Create a folder and its parents, durably; an existing one costs nothing."""
    if path.is_dir():
        return
    make_folder(path.parent)
    path.mkdir(exist_ok=True)
    sync_folder(path.parent)


def move_into_place(source: Path, target: Path) -> None:
    """Rename a complete file to its final name, durably; both are on one file system."""
    make_folder(target.parent)
    source.replace(target)
    sync_folder(target.parent)


def write_json(path: Path, value: Mapping[str, Any], *, is_last: bool = True) -> None:
    """Write `value` under `path` atomically; the last of several in a folder brings their names to the disk."""
    part = path.with_name(path.name + TEMPORARY_SUFFIX)
    make_folder(part.parent)
    part.write_text(json.dumps(value, indent=2, allow_nan=False) + '\n', encoding='utf-8')
    sync_file(part)
    part.replace(path)
    if is_last:
        sync_folder(path.parent)


def write_table(path: Path, table: pa.Table) -> None:
    """Write a parquet file under `path` atomically."""
    part = path.with_name(path.name + TEMPORARY_SUFFIX)
    make_folder(part.parent)
    pq.write_table(table, part, compression='snappy')
    sync_file(part)
    move_into_place(part, path)


def append_line(path: Path, line: str) -> None:
    """Append a line, on the disk when this returns; a line that was cut short before it is ended first."""
    make_folder(path.parent)
    is_new = not path.exists()
    with path.open('ab+') as file:
        if file.tell() and not _ends_with_newline(file.fileno(), file.tell()):
            file.write(b'\n')
        file.write(line.encode() + b'\n')
        file.flush()
        os.fsync(file.fileno())
    if is_new:
        sync_folder(path.parent)


def _ends_with_newline(descriptor: int, size: int) -> bool:
    return os.pread(descriptor, 1, size - 1) == b'\n'


def read_json(root: Path, path: Path) -> dict[str, Any]:
    """Content of a JSON object.

    Raises:
        DatasetError: names the file that is missing or cannot be read.
    """
    try:
        value = json.loads(path.read_text(encoding='utf-8'))
    except FileNotFoundError as error:
        raise DatasetError(root, f'{path.relative_to(root)} is missing') from error
    except (OSError, ValueError) as error:
        raise DatasetError(root, f'{path.relative_to(root)} cannot be read: {error}') from error
    if not isinstance(value, dict):
        raise DatasetError(root, f'{path.relative_to(root)} holds no JSON object')
    return value


def read_table(root: Path, path: Path) -> pa.Table:
    """Content of a parquet file.

    Raises:
        DatasetError: names the file that is missing or cannot be read.
    """
    try:
        # ParquetFile reads this one file; read_table would take 'chunk-000' for a partition.
        with pq.ParquetFile(path) as file:
            return file.read()
    except FileNotFoundError as error:
        raise DatasetError(root, f'{path.relative_to(root)} is missing') from error
    except (OSError, pa.ArrowException) as error:
        reason = str(error).splitlines()[0]
        raise DatasetError(root, f'{path.relative_to(root)} cannot be read: {reason}') from error
