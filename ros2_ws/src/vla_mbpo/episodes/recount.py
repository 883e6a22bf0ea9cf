"""Statistics of any LeRobotDataset, counted again from its rows and pictures, exact over the whole set."""

from collections.abc import Mapping
from itertools import islice
from typing import Any

import numpy as np

from vla_mbpo.episodes.features import to_numpy
from vla_mbpo.episodes.files import read_json
from vla_mbpo.episodes.files import write_json
from vla_mbpo.episodes.finding import Progress
from vla_mbpo.episodes.finding import no_progress
from vla_mbpo.episodes.foreign import IMAGE_KINDS
from vla_mbpo.episodes.foreign import AnyDataset
from vla_mbpo.episodes.foreign import AnyEpisode
from vla_mbpo.episodes.lock import FolderLock
from vla_mbpo.episodes.running import RunningStatistics
from vla_mbpo.episodes.schema import TIME_PREFIX
from vla_mbpo.episodes.statistics import PixelHistogram
from vla_mbpo.episodes.statistics import Statistics
from vla_mbpo.errors import DatasetError

UNCOUNTED = (*IMAGE_KINDS, 'string', 'language')


def counted_features(features: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Features whose columns have statistics: numbers, but no stamps."""
    return [
        key
        for key, feature in features.items()
        if feature['dtype'] not in UNCOUNTED and not key.startswith(TIME_PREFIX)
    ]


def picture_histogram(
    dataset: AnyDataset, episode: AnyEpisode, key: str, rows: int
) -> PixelHistogram:
    """Levels of the first `rows` pictures of an episode, decoded.

    Raises:
        DatasetError: there are fewer, or a file cannot be decoded.
    """
    histogram = PixelHistogram()
    for image in islice(dataset.pictures(episode, key), rows):
        histogram.add(image)
    if histogram.frames != rows:
        problem = f'episode {episode.index}: {key} has {histogram.frames} pictures for {rows} rows'
        raise DatasetError(dataset.root, problem)
    return histogram


def recount(dataset: AnyDataset, progress: Progress = no_progress) -> dict[str, Statistics]:
    """Statistics by feature name. Pictures are decoded, unless the episodes hold their histograms, as ours do.

    Raises:
        DatasetError: there is no episode, or a file is missing or corrupt.
    """
    if not dataset.episodes:
        raise DatasetError(dataset.root, 'has no episodes, so no statistics')
    keys = counted_features(dataset.features)
    columns = {key: RunningStatistics() for key in keys}
    pictures = {key: PixelHistogram() for key in dataset.picture_keys}
    for k, episode in enumerate(dataset.episodes):
        table = dataset.table(episode)
        for key in keys:
            if key not in table.column_names:
                where = episode.data.relative_to(dataset.root)
                raise DatasetError(dataset.root, f'{where} has no column {key}')
            columns[key].add(to_numpy(table, key))
        for key, counted in pictures.items():
            part = _stored_histogram(episode, key)
            if part is None:
                part = picture_histogram(dataset, episode, key, episode.length)
            pictures[key] = PixelHistogram.summed((counted, part))
        progress('statistics', k + 1, len(dataset.episodes))
    return {
        **{key: part.statistics() for key, part in columns.items()},
        **{key: part.statistics() for key, part in pictures.items()},
    }


def stored_statistics(dataset: AnyDataset) -> dict[str, Any]:
    """What meta/stats.json says; empty if there is none.

    Raises:
        DatasetError: it is corrupt.
    """
    path = dataset.folder.stats
    return read_json(dataset.root, path) if path.exists() else {}


def write_statistics(dataset: AnyDataset, statistics: Mapping[str, Statistics]) -> None:
    """Write meta/stats.json, atomically.

    Raises:
        DatasetError: somebody records to the dataset, or the file cannot be written.
    """
    try:
        if not dataset.is_ours:
            write_json(dataset.folder.stats, statistics)
            return
        dataset.folder.journal.mkdir(exist_ok=True)
        lock = FolderLock(dataset.root, dataset.folder.lock)
        lock.acquire()
        try:
            write_json(dataset.folder.stats, statistics)
        finally:
            lock.release()
    except OSError as error:
        raise DatasetError(dataset.root, f'meta/stats.json cannot be written: {error}') from error


def worst_deviation(stored: Mapping[str, Any] | None, exact: Statistics) -> float:
    """Largest difference of any stored number, as a share of the range between quantiles 1 and 99 %.

    Infinite where the numbers are missing or of another shape; counts do not matter.
    """
    worst = 0.0
    span = np.array(exact['q99'], dtype=float) - np.array(exact['q01'], dtype=float)
    for name, value in exact.items():
        if name == 'count':
            continue
        try:
            found = np.array((stored or {})[name], dtype=float).reshape(np.shape(value))
        except (KeyError, TypeError, ValueError):
            return float('inf')
        off = np.abs(found - np.array(value, dtype=float)) / np.where(span > 0, span, 1.0)
        worst = max(worst, float(off.max(initial=0.0)))
    return worst


def _stored_histogram(episode: AnyEpisode, key: str) -> PixelHistogram | None:
    counts = episode.metadata.get(f'histogram/{key}')
    return PixelHistogram.from_list(counts, episode.length) if counts else None
