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


def move_into_place(source: Path, target: Path) -> None:
    """Rename a complete file to its final name, durably; both are on one file system."""
    target.parent.mkdir(parents=True, exist_ok=True)
    source.replace(target)
    sync_folder(target.parent)


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write `value` under `path` atomically."""
    part = path.with_name(path.name + TEMPORARY_SUFFIX)
    part.parent.mkdir(parents=True, exist_ok=True)
    part.write_text(json.dumps(value, indent=2, allow_nan=False) + '\n', encoding='utf-8')
    sync_file(part)
    move_into_place(part, path)


def write_table(path: Path, table: pa.Table) -> None:
    """Write a parquet file under `path` atomically."""
    part = path.with_name(path.name + TEMPORARY_SUFFIX)
    part.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, part, compression='snappy')
    sync_file(part)
    move_into_place(part, path)


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
