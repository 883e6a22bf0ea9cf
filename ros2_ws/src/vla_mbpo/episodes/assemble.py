"""Makes a new LeRobotDataset v3.0 out of episodes of others: rows are renumbered, videos linked, never encoded again.

The set is built in a folder beside its place and renamed when it is complete. One data file and one metadata file per
episode; a video file is taken over whole, once, even if only some of its episodes are wanted.
"""

import json
import os
import shutil
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import asdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from vla_mbpo.episodes.features import EPISODE_INDEX
from vla_mbpo.episodes.features import FRAME_INDEX
from vla_mbpo.episodes.features import INDEX
from vla_mbpo.episodes.features import TASK_INDEX
from vla_mbpo.episodes.features import TIMESTAMP
from vla_mbpo.episodes.features import to_numpy
from vla_mbpo.episodes.files import write_json
from vla_mbpo.episodes.files import write_table
from vla_mbpo.episodes.finding import Progress
from vla_mbpo.episodes.finding import no_progress
from vla_mbpo.episodes.folder import DATA_PATH
from vla_mbpo.episodes.folder import EPISODES_PER_CHUNK
from vla_mbpo.episodes.folder import VIDEO_PATH
from vla_mbpo.episodes.folder import DatasetFolder
from vla_mbpo.episodes.folder import chunk_and_file
from vla_mbpo.episodes.foreign import AnyDataset
from vla_mbpo.episodes.foreign import AnyEpisode
from vla_mbpo.episodes.metadata import spec_of
from vla_mbpo.episodes.record import SPEC_METADATA
from vla_mbpo.episodes.recount import counted_features
from vla_mbpo.episodes.recount import picture_histogram
from vla_mbpo.episodes.recount import recount
from vla_mbpo.episodes.span import VideoSpan
from vla_mbpo.episodes.statistics import column_statistics
from vla_mbpo.episodes.totals import SCHEMA_KEY
from vla_mbpo.episodes.totals import write_tasks
from vla_mbpo.errors import DatasetError

STAGING_SUFFIX = '.part'
CopyVideo = Callable[[Path, Path], None]


@dataclass(frozen=True, kw_only=True)
class Part:
    """The first `rows` rows of an episode, to be taken over."""

    dataset: AnyDataset
    episode: AnyEpisode
    rows: int

    @classmethod
    def whole(cls, dataset: AnyDataset, episode: AnyEpisode) -> 'Part':
        """All of an episode."""
        return cls(dataset=dataset, episode=episode, rows=episode.length)

    @property
    def is_whole(self) -> bool:
        """Whether nothing is cut off."""
        return self.rows == self.episode.length


def link_or_copy(source: Path, target: Path) -> None:
    """Hard-link a file; copy it where that is impossible."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def assemble(
    out: Path,
    parts: Sequence[Part],
    info: Mapping[str, Any],
    *,
    copy_video: CopyVideo = link_or_copy,
    keep: Callable[[str], bool] = lambda _: True,
    progress: Progress = no_progress,
) -> AnyDataset:
    """Write the episodes of `parts`, in this order, as a new dataset.

    Args:
        out: its folder, which does not exist yet or is empty.
        parts: what it consists of; all of one layout.
        info: info.json that it gets, but for totals and paths; its features are those that are kept.
        copy_video: from a source file to the new one, linking it by default.
        keep: which columns of the episodes' metadata are kept, LeRobot's own ones apart.
        progress: told how far it is.

    Raises:
        DatasetError: `out` is not empty, the disk is full, or a source is damaged.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DatasetError(out, 'exists already; give a new folder')
    staging = out.with_name(out.name + STAGING_SUFFIX)
    if staging.exists():
        raise DatasetError(staging, 'is left over from an interrupted run; remove it first')
    try:
        _Assembly(staging, info, copy_video, keep).write(parts, progress)
        if out.exists():
            out.rmdir()
        staging.rename(out)
    except OSError as error:
        raise DatasetError(out, f'cannot be written: {error}') from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return AnyDataset(out)


class _Assembly:
    """A dataset while it is put together."""

    def __init__(
        self,
        root: Path,
        info: Mapping[str, Any],
        copy_video: CopyVideo,
        keep: Callable[[str], bool],
    ) -> None:
        self._folder = DatasetFolder(root)
        self._info = dict(info)
        self._copy_video = copy_video
        self._keep = keep
        self._tasks: dict[str, int] = {}
        self._videos: dict[tuple[str, Path], int] = {}
        self._frames = 0
        self._notes = _spec_notes(self._folder, self._info)

    def write(self, parts: Sequence[Part], progress: Progress) -> None:
        for number, part in enumerate(parts):
            self._write_episode(number, part)
            progress('episodes', number + 1, len(parts))
        if parts:
            write_tasks(self._folder, list(self._tasks))
        write_json(self._folder.info, self._totals(len(parts)))
        if parts:
            dataset = AnyDataset(self._folder.root)
            write_json(self._folder.stats, recount(dataset, progress))

    def _totals(self, episodes: int) -> dict[str, Any]:
        return {
            **self._info,
            'total_episodes': episodes,
            'total_frames': self._frames,
            'total_tasks': len(self._tasks),
            'chunks_size': EPISODES_PER_CHUNK,
            'splits': {'train': f'0:{episodes}'},
            'data_path': DATA_PATH,
            'video_path': VIDEO_PATH,
        }

    def _write_episode(self, number: int, part: Part) -> None:
        source = part.dataset.table(part.episode)
        columns = [k for k in source.column_names if k in self._info['features']]
        table = self._renumbered(source.slice(0, part.rows).select(columns), number, part)
        write_table(self._folder.data(number), table)
        row = self._metadata(number, part, table)
        metadata = pa.Table.from_pylist([row]).replace_schema_metadata(self._notes)
        write_table(self._folder.episode_metadata(number), metadata)
        self._frames += part.rows

    def _renumbered(self, table: pa.Table, number: int, part: Part) -> pa.Table:
        frame = np.arange(len(table))
        old = to_numpy(table, TASK_INDEX) if TASK_INDEX in table.column_names else 0 * frame
        texts = {int(k): self._instruction(part, int(k)) for k in np.unique(old)}
        new = {k: self._tasks.setdefault(text, len(self._tasks)) for k, text in texts.items()}
        values = {
            EPISODE_INDEX: np.full(len(table), number),
            FRAME_INDEX: frame,
            INDEX: frame + self._frames,
            TASK_INDEX: np.array([new[int(k)] for k in old], dtype=np.int64),
            TIMESTAMP: frame / part.dataset.fps,
        }
        for key, column in values.items():
            if key in table.column_names:
                place = table.schema.get_field_index(key)
                field = table.schema.field(key)
                table = table.set_column(
                    place, field, pa.array(column).cast(field.type, safe=False)
                )
        return table

    def _instruction(self, part: Part, task: int) -> str:
        known = part.dataset.tasks
        if task not in known:
            problem = f'episode {part.episode.index} has task {task}, meta/tasks.parquet does not'
            raise DatasetError(part.dataset.root, problem)
        return known[task]

    def _metadata(self, number: int, part: Part, table: pa.Table) -> dict[str, Any]:
        chunk, file = chunk_and_file(number)
        old = part.episode.metadata
        own = ('stats/', 'videos/', 'histogram/')
        row = {k: v for k, v in old.items() if self._keep(k) and not k.startswith(own)}
        has_tasks = TASK_INDEX in table.column_names
        tasks = np.unique(to_numpy(table, TASK_INDEX)).tolist() if has_tasks else []
        texts = list(self._tasks)
        row |= {
            EPISODE_INDEX: number,
            'tasks': [texts[k] for k in tasks],
            'length': part.rows,
            'data/chunk_index': chunk,
            'data/file_index': file,
            'dataset_from_index': self._frames,
            'dataset_to_index': self._frames + part.rows,
            'meta/episodes/chunk_index': chunk,
            'meta/episodes/file_index': file,
        }
        if TASK_INDEX in row:
            row[TASK_INDEX] = tasks[0]
        for key, span in part.episode.spans.items():
            if key in self._info['features']:
                row |= self._video(number, key, span, part)
        return row | self._statistics(part, table)

    def _video(self, number: int, key: str, span: VideoSpan, part: Part) -> dict[str, Any]:
        """Take over the file, if no episode before has, and say where in it the episode lies."""
        if (key, span.path) not in self._videos:
            self._videos[key, span.path] = number
            target = self._folder.video(key, number)
            target.parent.mkdir(parents=True, exist_ok=True)
            self._copy_video(span.path, target)
        chunk, file = chunk_and_file(self._videos[key, span.path])
        return {
            f'videos/{key}/chunk_index': chunk,
            f'videos/{key}/file_index': file,
            f'videos/{key}/from_timestamp': float(span.first / span.rate),
            f'videos/{key}/to_timestamp': float((span.first + part.rows) / span.rate),
        }

    def _statistics(self, part: Part, table: pa.Table) -> dict[str, Any]:
        """Statistics of the episode: of columns counted again, of pictures if something was cut off."""
        row: dict[str, Any] = {}
        old = part.episode.metadata
        for key in counted_features(self._info['features']):
            if key in table.column_names:
                statistics = column_statistics(to_numpy(table, key))
                row |= {f'stats/{key}/{name}': value for name, value in statistics.items()}
        for key in part.dataset.picture_keys:
            if key not in self._info['features']:
                continue
            kept = {
                k: v for k, v in old.items() if k.startswith((f'stats/{key}/', f'histogram/{key}'))
            }
            if not part.is_whole or not kept:
                histogram = picture_histogram(part.dataset, part.episode, key, part.rows)
                statistics = histogram.statistics()
                kept = {f'stats/{key}/{name}': value for name, value in statistics.items()}
                if part.dataset.is_ours:
                    kept[f'histogram/{key}'] = histogram.to_list()
            row |= {k: v for k, v in kept.items() if self._keep(k)}
        return row


def _spec_notes(folder: DatasetFolder, info: dict[str, Any]) -> dict[str, str]:
    """What our metadata files hold beside their columns: the spec of the set."""
    if SCHEMA_KEY not in info:
        return {}
    return {SPEC_METADATA: json.dumps(asdict(spec_of(folder, info)))}
