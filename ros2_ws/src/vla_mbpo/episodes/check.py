"""Audits a dataset folder: what other programs rely on is recomputed and compared."""

import json
import textwrap
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from vla_mbpo.episodes.check_foreign import check_foreign
from vla_mbpo.episodes.check_foreign import decode_findings
from vla_mbpo.episodes.check_limits import limit_problems
from vla_mbpo.episodes.check_rows import row_problems
from vla_mbpo.episodes.check_video import check_video
from vla_mbpo.episodes.files import read_table
from vla_mbpo.episodes.finding import Finding
from vla_mbpo.episodes.finding import Progress
from vla_mbpo.episodes.finding import Severity
from vla_mbpo.episodes.finding import no_progress
from vla_mbpo.episodes.folder import EPISODE_PREFIX
from vla_mbpo.episodes.folder import TORN_PREFIX
from vla_mbpo.episodes.folder import episode_of
from vla_mbpo.episodes.foreign import AnyDataset
from vla_mbpo.episodes.reader import DatasetReader
from vla_mbpo.episodes.totals import Totals
from vla_mbpo.errors import DatasetError
from vla_mbpo.errors import UnknownNameError
from vla_mbpo.robots import RobotDescription
from vla_mbpo.robots import load_robot

__all__ = ['Finding', 'check']

STATISTICS_TOLERANCE = 1e-6
SHOWN_CHARACTERS = 80


def check(root: Path, *, deep: bool = False, progress: Progress = no_progress) -> list[Finding]:
    """Everything wrong or notable in a dataset, ours or anybody's, whole-set findings first.

    Whether the pictures pair with the joints is another question: see `pairing_check`.

    Args:
        root: the dataset folder.
        deep: decode every picture, instead of the first and last of each video.
        progress: told how far it is.

    Raises:
        DatasetError: info.json or the episode metadata cannot be read, so nothing can be checked.
    """
    dataset = AnyDataset(root)
    if not dataset.is_ours:
        return check_foreign(dataset, deep=deep, progress=progress)
    found = _check_ours(root)
    if deep:
        for k, episode in enumerate(dataset.episodes):
            found += decode_findings(dataset, episode)
            progress('pictures', k + 1, len(dataset.episodes))
    return found


def _check_ours(root: Path) -> list[Finding]:
    with DatasetReader(root) as reader:
        episodes = [f for index in range(len(reader)) for f in _episode_findings(reader, index)]
        has_data_errors = any(f.severity == 'error' for f in episodes)
        return [*_set_findings(reader, is_readable=not has_data_errors), *episodes]


def _episode_findings(reader: DatasetReader, index: int) -> Iterator[Finding]:
    where = str(reader.folder.data(index).relative_to(reader.folder.root))
    try:
        episode = reader.episode(index)
    except DatasetError as error:
        yield Finding(severity='error', episode=index, where=where, message=str(error))
    else:
        for column, message in row_problems(episode, reader.spec):
            yield Finding(severity='error', episode=index, where=column, message=message)
        robot = _robot(reader)
        if robot is not None:
            for column, message in limit_problems(episode, robot.action, robot.state):
                yield Finding(severity='warning', episode=index, where=column, message=message)
    for camera in reader.spec.camera_names:
        yield from check_video(reader, index, camera)


def _robot(reader: DatasetReader) -> RobotDescription | None:
    """The description of the dataset's robot, if this software has it with the same layout."""
    try:
        robot = load_robot(reader.spec.robot)
    except UnknownNameError:
        return None
    is_same = (robot.state.names, robot.action.names) == (
        reader.spec.state_names,
        reader.spec.action_names,
    )
    return robot if is_same else None


def _set_findings(reader: DatasetReader, *, is_readable: bool) -> Iterator[Finding]:
    folder = reader.folder
    if _robot(reader) is None:
        message = f'robot {reader.spec.robot!r} is not known in this layout: limits not checked'
        yield _of_set('note', 'meta/info.json', message)
    yield from _index_findings(reader)
    for path in folder.published():
        if episode_of(path) >= len(reader):
            yield _of_set('warning', str(path.relative_to(folder.root)), 'belongs to no episode')
    for path in sorted(folder.journal.glob('*-*')):
        if path.name.startswith((EPISODE_PREFIX, TORN_PREFIX)):
            name = str(path.relative_to(folder.root))
            yield _of_set('note', name, 'is a recording that was not saved')
    if is_readable:
        yield from _derived_findings(reader)


def _index_findings(reader: DatasetReader) -> Iterator[Finding]:
    """Episodes follow each other without gap or overlap."""
    first = 0
    for record in reader.records:
        if record.first_index != first:
            message = f'begins at index {record.first_index}, expected {first}'
            yield Finding(
                severity='error', episode=record.index, where='dataset_from_index', message=message
            )
        first += record.length


def _derived_findings(reader: DatasetReader) -> Iterator[Finding]:
    """info.json, tasks.parquet and stats.json say what the episodes add up to."""
    totals = Totals(reader.folder, reader.spec)
    totals.load(list(reader.records))
    for key, expected in totals.info().items():
        if reader.info.get(key) != expected:
            message = f'{key} is {_short(reader.info.get(key))}, expected {_short(expected)}'
            yield _of_set('error', 'meta/info.json', message)
    if reader.records:
        try:
            yield from _task_findings(reader, totals)
            yield from _statistics_findings(reader, totals)
        except DatasetError as error:
            yield _of_set('error', 'meta', str(error))


def _task_findings(reader: DatasetReader, totals: Totals) -> Iterator[Finding]:
    tasks = totals.tasks()
    stored = read_table(reader.folder.root, reader.folder.tasks).to_pydict()
    if list(stored.values()) != [list(range(len(tasks))), tasks]:
        yield _of_set('error', 'meta/tasks.parquet', 'does not list the instructions in use')


def _statistics_findings(reader: DatasetReader, totals: Totals) -> Iterator[Finding]:
    stored = reader.statistics()
    for feature, values in totals.statistics().items():
        for name, expected in values.items():
            found = stored.get(feature, {}).get(name)
            if not _is_close(found, expected):
                message = f'{feature} {name} is {_short(found)}, expected {_short(expected)}'
                yield _of_set('error', 'meta/stats.json', message)


def _is_close(found: object, expected: list[object]) -> bool:
    try:
        left, right = np.array(found, dtype=float), np.array(expected, dtype=float)
        return bool(np.allclose(left, right, STATISTICS_TOLERANCE, STATISTICS_TOLERANCE))
    except (TypeError, ValueError):  # missing, or of another shape
        return False


def _short(value: object) -> str:
    return textwrap.shorten(json.dumps(value), SHOWN_CHARACTERS, placeholder=' ...')


def _of_set(severity: Severity, where: str, message: str) -> Finding:
    return Finding(severity=severity, episode=None, where=where, message=message)
