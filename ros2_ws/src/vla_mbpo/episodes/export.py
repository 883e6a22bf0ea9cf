"""A clean copy of a dataset: chosen episodes and cameras, with or without our extra columns."""

from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vla_mbpo.episodes.assemble import Part
from vla_mbpo.episodes.assemble import assemble
from vla_mbpo.episodes.features import DEFAULT_COLUMNS
from vla_mbpo.episodes.finding import Progress
from vla_mbpo.episodes.finding import no_progress
from vla_mbpo.episodes.foreign import AnyDataset
from vla_mbpo.episodes.schema import ACTION
from vla_mbpo.episodes.schema import IMAGE_PREFIX
from vla_mbpo.episodes.schema import STATE
from vla_mbpo.episodes.schema import TIME_PREFIX
from vla_mbpo.episodes.totals import SCHEMA_KEY
from vla_mbpo.errors import DatasetError
from vla_mbpo.errors import UnknownNameError

PLAIN_FEATURES = {STATE, ACTION, *(column.key for column in DEFAULT_COLUMNS)}
PLAIN_METADATA = (
    'episode_index',
    'tasks',
    'length',
    'dataset_from_index',
    'dataset_to_index',
    'data/',
    'videos/',
    'stats/',
    'meta/',
)


def export(
    root: Path,
    out: Path,
    *,
    episodes: Sequence[int] | None = None,
    cameras: Sequence[str] | None = None,
    without_removed: bool = True,
    plain: bool = False,
    progress: Progress = no_progress,
) -> AnyDataset:
    """Write a copy of a dataset whose episodes are numbered without a gap.

    Args:
        root: the dataset, which stays as it is.
        out: folder of the copy, which does not exist yet or is empty.
        episodes: indices of those that are taken; all if None.
        cameras: those that are kept; all if None.
        without_removed: leave out episodes that were removed; an edit log is not copied, so others come back.
        plain: keep only what every LeRobotDataset has: state, action, pictures and LeRobot's own columns.
        progress: told how far it is.

    Raises:
        DatasetError: there is no such episode, the camera that is the clock is left out, or `out` is not empty.
        UnknownNameError: there is no such camera.
    """
    dataset = AnyDataset(root)
    features = _features(dataset, cameras, plain=plain)
    chosen = _chosen(dataset, episodes, dataset.removed if without_removed else frozenset())
    info = {**dataset.info, 'features': features}
    if plain:
        info.pop(SCHEMA_KEY, None)
        return assemble(out, chosen, info, keep=_is_plain, progress=progress)
    return assemble(out, chosen, info, progress=progress)


def _is_plain(column: str) -> bool:
    return column in PLAIN_METADATA or column.startswith(
        tuple(name for name in PLAIN_METADATA if name.endswith('/'))
    )


def _chosen(
    dataset: AnyDataset, episodes: Sequence[int] | None, removed: frozenset[int]
) -> list[Part]:
    by_index = {episode.index: episode for episode in dataset.episodes}
    wanted = sorted(by_index) if episodes is None else list(dict.fromkeys(episodes))
    if missing := [index for index in wanted if index not in by_index]:
        has = f'it has {len(by_index)}, counted from 0'
        raise DatasetError(dataset.root, f'there is no episode {missing[0]}; {has}')
    if episodes is not None and (hidden := [index for index in wanted if index in removed]):
        raise DatasetError(dataset.root, f'episode {hidden[0]} is removed; restore it first')
    chosen = [by_index[index] for index in wanted if index not in removed]
    if not chosen:
        raise DatasetError(dataset.root, 'has no episode to export')
    return [Part.whole(dataset, episode) for episode in chosen]


def _features(
    dataset: AnyDataset, cameras: Sequence[str] | None, *, plain: bool
) -> Mapping[str, dict[str, Any]]:
    known = {key.removeprefix(IMAGE_PREFIX): key for key in dataset.picture_keys}
    kept = list(known) if cameras is None else list(cameras)
    for name in kept:
        if name not in known:
            raise UnknownNameError('camera', name, known=known, where=str(dataset.root))
    clock = next(iter(known), None)
    if dataset.is_ours and not plain and clock not in kept:
        problem = f'{clock} is the clock of its rows; keep it, or export with --plain'
        raise DatasetError(dataset.root, problem)
    dropped = [name for name in known if name not in kept]
    return {
        key: feature
        for key, feature in dataset.features.items()
        if not _is_of(key, dropped)
        and (not plain or key in PLAIN_FEATURES or key in dataset.picture_keys)
    }


def _is_of(feature: str, cameras: Sequence[str]) -> bool:
    """Whether a feature belongs to one of the cameras: its pictures or its stamps."""
    return any(
        feature == f'{IMAGE_PREFIX}{name}' or feature.startswith(f'{TIME_PREFIX}{name}.')
        for name in cameras
    )
