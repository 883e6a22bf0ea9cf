"""Training samples: a row with its history and what follows, cut from episodes; numpy only."""

from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vla_mbpo.episodes.clock import exact_rate
from vla_mbpo.episodes.reader import DatasetReader
from vla_mbpo.episodes.record import EpisodeRecord
from vla_mbpo.episodes.schema import IMAGE_PREFIX
from vla_mbpo.episodes.schema import Image
from vla_mbpo.episodes.schema import Outcome
from vla_mbpo.episodes.schema import Split
from vla_mbpo.episodes.schema import Verdict
from vla_mbpo.episodes.schema import image_key
from vla_mbpo.errors import ConfigError
from vla_mbpo.errors import DatasetError
from vla_mbpo.errors import UnknownNameError

TASK = 'task'
"""Key of the instruction in a sample, as LeRobot calls it."""
PAD_SUFFIX = '_is_pad'
ROW_TOLERANCE_S = 1e-4
"""How far an offset may lie off a row: LeRobot's own tolerance."""

Sample = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which episodes are used; None admits all. Removed ones never are."""

    episodes: tuple[int, ...] | None = None
    """Indices in the dataset, in the order in which their samples are numbered."""
    splits: tuple[Split, ...] | None = None
    outcomes: tuple[Outcome, ...] | None = None
    verdicts: tuple[Verdict, ...] | None = None
    tasks: tuple[str, ...] | None = None

    def admits(self, record: EpisodeRecord) -> bool:
        """Whether an episode passes every filter but `episodes`."""
        pairs = (
            (self.splits, record.info.split),
            (self.outcomes, record.result.outcome),
            (self.verdicts, record.quality.verdict),
            (self.tasks, record.info.task),
        )
        return all(wanted is None or value in wanted for wanted, value in pairs)


def row_offsets(seconds: Iterable[float], fps: float) -> NDArray[np.int64]:
    """Offsets in seconds as whole rows.

    Raises:
        ConfigError: one lies between two rows.
    """
    wanted = np.array(list(seconds), dtype=np.float64)
    rate = float(exact_rate(fps))
    rows = np.round(wanted * rate).astype(np.int64)
    if (off := np.abs(rows / rate - wanted) > ROW_TOLERANCE_S).any():
        problem = f'offset {wanted[off][0]:g} s lies between two rows of {rate:g} Hz'
        raise ConfigError('windows', [problem])
    return rows


def seconds_of(rows: Iterable[int], fps: float) -> list[float]:
    """Offsets in rows as seconds: `seconds_of(range(16), 15.0)` is an action chunk of 16 rows."""
    rate = exact_rate(fps)
    return [float(row / rate) for row in rows]


class EpisodeWindows:
    """Samples of a dataset by number; `windows` as LeRobot's `delta_timestamps`: offsets in seconds by feature.

    A feature with offsets becomes an array [offset, ...] with `<feature>_is_pad` [offset]; beyond the ends of an
    episode its first or last row is repeated and marked. Others have the value of the row itself. Pictures are uint8
    [H, W, 3] RGB. A copy in another process opens videos of its own.

    Raises:
        DatasetError: the dataset cannot be read, or the selection admits no episode.
        UnknownNameError: a camera, column or feature does not exist.
        ConfigError: an offset lies between two rows.
    """

    def __init__(
        self,
        root: Path,
        *,
        windows: Mapping[str, Sequence[float]] | None = None,
        selection: Selection | None = None,
        cameras: Sequence[str] | None = None,
        columns: Sequence[str] | None = None,
    ) -> None:
        self.reader = DatasetReader(root)
        spec = self.reader.spec
        self.cameras = tuple(spec.camera_names if cameras is None else cameras)
        for camera in self.cameras:
            if camera not in spec.camera_names:
                raise UnknownNameError('camera', camera, known=spec.camera_names)
        self.episodes = _selected(self.reader, selection or Selection())
        self._columns = _columns(self.reader, self.episodes, columns)
        features = (*self._columns, *(image_key(camera) for camera in self.cameras))
        self._offsets: dict[str, NDArray[np.int64]] = {}
        for feature, seconds in (windows or {}).items():
            if feature not in features:
                raise UnknownNameError('feature', feature, known=features, where='windows')
            self._offsets[feature] = row_offsets(seconds, spec.fps)
        lengths = [self.reader.records[index].length for index in self.episodes]
        self._starts = np.cumsum([0, *lengths])

    def __len__(self) -> int:
        return int(self._starts[-1])

    def place(self, number: int) -> tuple[int, int]:
        """Episode index and row of a sample.

        Raises:
            IndexError: there is no such sample.
        """
        if not 0 <= number < len(self):
            raise IndexError(f'there is no sample {number}; there are {len(self)}')
        position = int(np.searchsorted(self._starts, number, side='right')) - 1
        return self.episodes[position], number - int(self._starts[position])

    def sample(self, number: int) -> Sample:
        """A sample: columns, pictures, padding masks and the instruction (`task`).

        Raises:
            IndexError: there is no such sample.
            DatasetError: a picture cannot be decoded.
        """
        episode, row = self.place(number)
        record = self.reader.records[episode]
        sample: Sample = {TASK: record.info.instruction}
        for key, values in self._columns.items():
            sample |= self._entry(key, values, number, row, record.length)
        for camera in self.cameras:
            key = image_key(camera)
            rows, is_pad = self._rows(key, row, record.length)
            pictures = self._pictures(camera, episode, rows)
            if key in self._offsets:
                sample |= {key: pictures, f'{key}{PAD_SUFFIX}': is_pad}
            else:
                sample[key] = pictures[0]
        return sample

    def close(self) -> None:
        """Close the videos."""
        self.reader.close()

    def _entry(
        self, key: str, values: NDArray[Any], number: int, row: int, length: int
    ) -> dict[str, NDArray[Any]]:
        if key not in self._offsets:
            return {key: np.array(values[number])}
        rows, is_pad = self._rows(key, row, length)
        return {key: values[number - row + rows], f'{key}{PAD_SUFFIX}': is_pad}

    def _rows(self, key: str, row: int, length: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Rows of the episode that a feature shows, and which of them stand for rows beyond its ends."""
        wanted = row + self._offsets.get(key, np.zeros(1, dtype=np.int64))
        rows = np.clip(wanted, 0, length - 1)
        return rows, rows != wanted

    def _pictures(self, camera: str, episode: int, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        video = self.reader.video(camera, episode)
        decoded: dict[int, Image] = {int(k): video.frame(int(k)) for k in np.unique(rows)}
        return np.stack([decoded[int(k)] for k in rows])


def _selected(reader: DatasetReader, selection: Selection) -> tuple[int, ...]:
    kept = [index for index in range(len(reader)) if index not in reader.removed]
    wanted = kept if selection.episodes is None else selection.episodes
    for index in wanted:
        if not 0 <= index < len(reader):
            problem = f'there is no episode {index}; it has {len(reader)}, counted from 0'
            raise DatasetError(reader.folder.root, problem)
        if index in reader.removed:
            raise DatasetError(reader.folder.root, f'episode {index} was removed; restore it first')
    found = tuple(index for index in wanted if selection.admits(reader.records[index]))
    if not found:
        problem = f'none of its {len(kept)} episodes fits {selection}'
        raise DatasetError(reader.folder.root, problem)
    return found


def _columns(
    reader: DatasetReader, episodes: Sequence[int], columns: Sequence[str] | None
) -> dict[str, NDArray[Any]]:
    """The columns of all episodes, one after the other."""
    known = [key for key in reader.info['features'] if not key.startswith(IMAGE_PREFIX)]
    wanted = known if columns is None else columns
    for key in wanted:
        if key not in known:
            raise UnknownNameError('column', key, known=known)
    loaded = [reader.episode(index) for index in episodes]
    return {key: np.concatenate([episode[key] for episode in loaded]) for key in wanted}
