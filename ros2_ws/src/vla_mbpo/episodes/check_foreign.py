"""Audit of a LeRobotDataset that somebody else wrote."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from vla_mbpo.episodes.check_rows import TIMESTAMP_TOLERANCE_S
from vla_mbpo.episodes.features import EPISODE_INDEX
from vla_mbpo.episodes.features import FRAME_INDEX
from vla_mbpo.episodes.features import INDEX
from vla_mbpo.episodes.features import TASK_INDEX
from vla_mbpo.episodes.features import TIMESTAMP
from vla_mbpo.episodes.features import to_numpy
from vla_mbpo.episodes.finding import Finding
from vla_mbpo.episodes.finding import Progress
from vla_mbpo.episodes.finding import Severity
from vla_mbpo.episodes.finding import no_progress
from vla_mbpo.episodes.foreign import IMAGE_KINDS
from vla_mbpo.episodes.foreign import AnyDataset
from vla_mbpo.episodes.foreign import AnyEpisode
from vla_mbpo.episodes.span import VideoSpan
from vla_mbpo.episodes.span import frame_numbers
from vla_mbpo.errors import DatasetError

FLOATS = ('float16', 'float32', 'float64')


def check_foreign(
    dataset: AnyDataset, *, deep: bool = False, progress: Progress = no_progress
) -> list[Finding]:
    """Everything wrong or notable in files, indices, values and videos; nothing is decoded unless `deep`."""
    found = [*_total_findings(dataset), *_order_findings(dataset), *_file_findings(dataset)]
    videos = _VideoLengths(dataset)
    for k, episode in enumerate(dataset.episodes):
        found += _row_findings(dataset, episode)
        found += videos.findings(episode)
        if deep:
            found += decode_findings(dataset, episode)
        progress('rows and videos', k + 1, len(dataset.episodes))
    return [*found, *videos.tail_findings()]


def _total_findings(dataset: AnyDataset) -> Iterator[Finding]:
    episodes = dataset.episodes
    expected = {
        'total_episodes': len(episodes),
        'total_frames': sum(episode.length for episode in episodes),
        'total_tasks': len(dataset.tasks),
    }
    for key, value in expected.items():
        if key in dataset.info and dataset.info[key] != value:
            message = f'{key} is {dataset.info[key]}, the episodes say {value}'
            yield _finding('error', None, 'meta/info.json', message)


def _order_findings(dataset: AnyDataset) -> Iterator[Finding]:
    """Lookups are by position: a gap pairs rows with the pictures of other episodes."""
    first = 0
    for place, episode in enumerate(dataset.episodes):
        if episode.index != place:
            message = f'is number {place} in meta/episodes: later ones are paired with other videos'
            yield _finding('error', episode.index, EPISODE_INDEX, message)
        if (episode.first_index, episode.end_index) != (first, first + episode.length):
            span = f'{episode.first_index} to {episode.end_index}'
            message = f'is said to be rows {span}, expected {first} to {first + episode.length}'
            yield _finding('error', episode.index, 'dataset_from_index', message)
        first += episode.length


def _file_findings(dataset: AnyDataset) -> Iterator[Finding]:
    used = {e.data for e in dataset.episodes}
    used |= {span.path for e in dataset.episodes for span in e.spans.values()}
    for path in dataset.folder.published():
        if path not in used:
            where = str(path.relative_to(dataset.root))
            yield _finding('warning', None, where, 'belongs to no episode')


def _row_findings(dataset: AnyDataset, episode: AnyEpisode) -> Iterator[Finding]:
    where = str(episode.data.relative_to(dataset.root))
    try:
        table = dataset.table(episode)
    except DatasetError as error:
        yield _finding('error', episode.index, where, str(error))
        return
    if len(table) != episode.length:
        message = f'has {len(table)} rows, metadata says {episode.length}'
        yield _finding('error', episode.index, where, message)
        return
    if not len(table):
        yield _finding('error', episode.index, where, 'has no rows')
        return
    for column, message in _index_problems(dataset, episode, table):
        yield _finding('error', episode.index, column, message)
    for column, message in _value_problems(dataset, table):
        yield _finding('error', episode.index, column, message)


def _index_problems(
    dataset: AnyDataset, episode: AnyEpisode, table: pa.Table
) -> Iterator[tuple[str, str]]:
    frame = np.arange(len(table))
    expected = {FRAME_INDEX: frame, INDEX: frame + episode.first_index}
    for column, values in expected.items():
        if column not in table.column_names:
            yield column, 'is missing'
        elif (rows := np.flatnonzero(to_numpy(table, column) != values)).size:
            yield column, f'is wrong in {rows.size} rows, the first is {rows[0]}'
    if TIMESTAMP in table.column_names:
        late = np.abs(to_numpy(table, TIMESTAMP) - frame / dataset.fps) > TIMESTAMP_TOLERANCE_S
        if late.any():
            rows = np.flatnonzero(late)
            yield TIMESTAMP, f'is not frame_index / fps: {rows.size} rows, the first is {rows[0]}'
    if TASK_INDEX in table.column_names:
        unknown = set(np.unique(to_numpy(table, TASK_INDEX)).tolist()) - set(dataset.tasks)
        if unknown:
            yield TASK_INDEX, f'{sorted(unknown)} not in meta/tasks.parquet'


def _value_problems(dataset: AnyDataset, table: pa.Table) -> Iterator[tuple[str, str]]:
    for key, feature in dataset.features.items():
        if feature['dtype'] == 'video':
            continue
        if key not in table.column_names:
            yield key, 'is a feature without a column'
        elif feature['dtype'] not in IMAGE_KINDS and table.column(key).null_count:
            yield key, f'has no value in {table.column(key).null_count} rows'
        elif feature['dtype'] in FLOATS:
            values = to_numpy(table, key).reshape(len(table), -1)
            rows = np.flatnonzero(~np.isfinite(values).all(axis=1))
            if rows.size:
                yield key, f'is not finite: {rows.size} rows, the first is {rows[0]}'


def decode_findings(dataset: AnyDataset, episode: AnyEpisode) -> Iterator[Finding]:
    """Decodes every picture of an episode."""
    for key in dataset.picture_keys:
        try:
            count = sum(1 for _ in dataset.thumbnails(episode, key, 2, 2))
        except DatasetError as error:
            yield _finding('error', episode.index, key, f'cannot be decoded: {error}')
            continue
        if count != episode.length:
            message = f'{count} pictures can be decoded for {episode.length} rows'
            yield _finding('error', episode.index, key, message)


class _VideoLengths:
    """Frames of each video file, read once, against the stretches that the episodes claim."""

    def __init__(self, dataset: AnyDataset) -> None:
        self._dataset = dataset
        files = {span.path for e in dataset.episodes for span in e.spans.values()}
        self._numbers = {path: self._read(path) for path in sorted(files)}
        self._claimed: dict[Path, int] = dict.fromkeys(self._numbers, 0)

    def _read(self, path: Path) -> list[int] | str:
        try:
            return frame_numbers(path, self._dataset.rate)
        except FileNotFoundError:
            return 'is missing'
        except (OSError, ValueError, IndexError) as error:
            return f'cannot be read: {error}'

    def findings(self, episode: AnyEpisode) -> Iterator[Finding]:
        """What is wrong with the stretches of an episode."""
        for span in episode.spans.values():
            where = str(span.path.relative_to(self._dataset.root))
            if message := self._problem(span, episode.length):
                yield _finding('error', episode.index, where, message)
            self._claimed[span.path] = max(self._claimed[span.path], span.first + span.count)

    def _problem(self, span: VideoSpan, rows: int) -> str | None:
        numbers = self._numbers[span.path]
        if isinstance(numbers, str):
            return numbers
        if span.count != rows:
            return f'{span.count} frames are given to {rows} rows: pictures and rows do not pair'
        if span.first < self._claimed[span.path]:
            return f'frame {span.first} belongs to another episode too'
        present = numbers[span.first : span.first + rows]
        if present != list(range(span.first, span.first + rows)):
            if len(present) < rows:
                return f'ends at frame {len(numbers)}, the rows need {span.first + rows}'
            k = next(k for k, number in enumerate(present) if number != span.first + k)
            return (
                f'frame {span.first + k} is not stamped {float((span.first + k) / span.rate):.6f} s'
            )
        return None

    def tail_findings(self) -> Iterator[Finding]:
        """Frames that follow the last episode of a file."""
        for path, numbers in self._numbers.items():
            if isinstance(numbers, list) and len(numbers) > self._claimed[path]:
                where = str(path.relative_to(self._dataset.root))
                count = len(numbers) - self._claimed[path]
                yield _finding('note', None, where, f'{count} frames belong to no episode')


def _finding(severity: Severity, episode: int | None, where: str, message: str) -> Finding:
    return Finding(severity=severity, episode=episode, where=where, message=message)
