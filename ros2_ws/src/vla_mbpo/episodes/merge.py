"""Several datasets into one, and one into several."""

import itertools
import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vla_mbpo.episodes.assemble import Part
from vla_mbpo.episodes.assemble import assemble
from vla_mbpo.episodes.finding import Progress
from vla_mbpo.episodes.finding import no_progress
from vla_mbpo.episodes.foreign import RECORDING_ID
from vla_mbpo.episodes.foreign import AnyDataset
from vla_mbpo.episodes.totals import SCHEMA_KEY
from vla_mbpo.errors import DatasetError

BY_COLUMN = ('condition', 'split', 'outcome')
UNNAMED = 'none'
COMMON = ('robot_type', 'fps', SCHEMA_KEY)
VIDEO_DETAILS = 'info'


def merge(roots: Sequence[Path], out: Path, progress: Progress = no_progress) -> AnyDataset:
    """All episodes of `roots` that are not removed, one set after the other, as a new dataset.

    Raises:
        DatasetError: two sets differ in robot, rate, features or layout, or hold the same recording; or `out`
            is not empty.
    """
    sets = [AnyDataset(root) for root in roots]
    for other in sets[1:]:
        _check_same(sets[0], other)
    _check_distinct(sets)
    parts = itertools.chain.from_iterable(map(parts_of, sets))
    return assemble(out, list(parts), sets[0].info, progress=progress)


def parts_of(dataset: AnyDataset) -> list[Part]:
    """All episodes of a set that are not removed."""
    removed = dataset.removed
    return [Part.whole(dataset, e) for e in dataset.episodes if e.index not in removed]


def split(
    root: Path, by: str, out: Path, progress: Progress = no_progress
) -> dict[str, AnyDataset]:
    """One new dataset in `out` for each value of a column, or each run of N episodes.

    Args:
        root: the dataset to divide, which stays as it is.
        by: 'condition', 'split', 'outcome', or a number of episodes.
        out: folder in which the sets are made, each under its value's name.
        progress: told how far it is.

    Raises:
        DatasetError: the episodes have no such column, or a set is there already.
    """
    dataset = AnyDataset(root)
    groups: dict[str, list[Part]] = {}
    for number, part in enumerate(parts_of(dataset)):
        groups.setdefault(_group(dataset, part, number, by), []).append(part)
    names = _file_names(dataset, list(groups))
    if taken := [name for name in names.values() if (out / name).exists()]:
        raise DatasetError(out / taken[0], 'exists already; give a new folder')
    out.mkdir(parents=True, exist_ok=True)
    return {
        group: assemble(out / names[group], parts, dataset.info, progress=progress)
        for group, parts in groups.items()
    }


def _group(dataset: AnyDataset, part: Part, number: int, by: str) -> str:
    if by.isdecimal() and int(by) > 0:
        return f'{number // int(by):03d}'
    if by not in BY_COLUMN:
        listing = ', '.join(BY_COLUMN)
        raise DatasetError(dataset.root, f'cannot be split by {by!r}: {listing}, or a number')
    if by not in part.episode.metadata:
        raise DatasetError(dataset.root, f'its episodes have no {by}: it was not recorded by us')
    return str(part.episode.metadata[by] or UNNAMED)


def _file_names(dataset: AnyDataset, groups: list[str]) -> dict[str, str]:
    names = {group: re.sub(r'[^A-Za-z0-9_-]+', '_', group) for group in groups}
    twice = [name for name, count in Counter(names.values()).items() if count > 1]
    if twice:
        same = [group for group, name in names.items() if name == twice[0]]
        problem = f'{same[0]!r} and {same[1]!r} would both be written to {twice[0]!r}'
        raise DatasetError(dataset.root, problem)
    return names


def _check_same(first: AnyDataset, other: AnyDataset) -> None:
    for key in COMMON:
        has, expected = other.info.get(key), first.info.get(key)
        if has != expected:
            raise _differs(first, other, key, expected, has)
    names = [sorted(dataset.features) for dataset in (first, other)]
    if names[0] != names[1]:
        lacks = ', '.join(sorted(set(names[0]) - set(names[1]))) or 'nothing'
        has = ', '.join(sorted(set(names[1]) - set(names[0]))) or 'nothing'
        problem = f'lacks {lacks} and adds {has}, compared with {first.root}'
        raise DatasetError(other.root, f'{problem}. Only sets of one layout can be merged')
    for key in first.features:
        pair = [_layout(dataset.features[key]) for dataset in (first, other)]
        if pair[0] != pair[1]:
            raise _differs(first, other, key, *pair)


def _layout(feature: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in feature.items() if key != VIDEO_DETAILS}


def _differs(
    first: AnyDataset, other: AnyDataset, key: str, expected: object, has: object
) -> DatasetError:
    said = f'its {key} is {json.dumps(has)}, that of {first.root} is {json.dumps(expected)}'
    return DatasetError(other.root, f'{said}. Only sets of one layout can be merged')


def _check_distinct(sets: Sequence[AnyDataset]) -> None:
    seen: dict[str, AnyDataset] = {}
    for dataset in sets:
        for part in parts_of(dataset):
            recording = part.episode.metadata.get(RECORDING_ID)
            if recording in seen:
                where = f'episode {part.episode.index} is the recording {recording}'
                raise DatasetError(dataset.root, f'{where}, which {seen[recording].root} holds too')
            if recording:
                seen[recording] = dataset
