"""Where everything lies inside a dataset folder (LeRobotDataset v3.0, one file per episode)."""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from vla_mbpo.episodes.schema import image_key

EPISODES_PER_CHUNK = 1000
DATA_PATH = 'data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet'
VIDEO_PATH = 'videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4'
EPISODES_PATH = 'meta/episodes/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet'
EPISODE_PREFIX = 'episode-'
"""Journals of episodes that are being recorded."""
TORN_PREFIX = 'torn-'
"""What an interrupted recorder left and could not be saved, set aside."""
REMOVED_PREFIX = 'removed-'
"""Files of episodes that were removed."""
DISCARDED_PREFIX = 'discarded-'
"""Journals that are being deleted."""


def chunk_and_file(episode: int) -> tuple[int, int]:
    """Chunk index and file index of an episode's files."""
    return divmod(episode, EPISODES_PER_CHUNK)


@dataclass(frozen=True)
class DatasetFolder:
    """Paths below `root`; nothing is touched."""

    root: Path

    @property
    def info(self) -> Path:
        """What all episodes have in common, and totals."""
        return self.root / 'meta/info.json'

    @property
    def stats(self) -> Path:
        """Statistics over the whole set."""
        return self.root / 'meta/stats.json'

    @property
    def tasks(self) -> Path:
        """Instruction of each task index."""
        return self.root / 'meta/tasks.parquet'

    @property
    def episodes(self) -> Path:
        """Folder of the per-episode metadata."""
        return self.root / 'meta/episodes'

    @property
    def journal(self) -> Path:
        """Folder of what is being recorded, of the lock and of what was set aside."""
        return self.root / '.journal'

    @property
    def lock(self) -> Path:
        """Held by the one process that may write."""
        return self.journal / 'lock'

    @property
    def edits(self) -> Path:
        """What was changed in saved episodes, one JSON line each."""
        return self.root / 'meta/edits.jsonl'

    def journal_of(self, episode: int) -> Path:
        """Folder of an episode while it is recorded."""
        return self.journal / f'{EPISODE_PREFIX}{episode:06d}'

    def free_journal_of(self, episode: int) -> Path:
        """As `journal_of`, or beside it where an abandoned recording has that name."""
        first = self.journal_of(episode)
        names = (first.with_name(f'{first.name}-{number}') for number in itertools.count(1))
        return next(path for path in itertools.chain([first], names) if not path.exists())

    def journals(self) -> list[Path]:
        """Folders of episodes that are or were being recorded, in the order of their episodes."""
        return sorted(self.journal.glob(f'{EPISODE_PREFIX}*'))

    def removed(self, recording_id: str) -> Path:
        """Where the files of a removed recording lie, with the paths that they had."""
        return self.journal / f'{REMOVED_PREFIX}{recording_id}'

    def files(self, episode: int, cameras: Iterable[str]) -> list[Path]:
        """All files of an episode, the metadata last."""
        videos = [self.video(image_key(camera), episode) for camera in cameras]
        return [self.data(episode), *videos, self.episode_metadata(episode)]

    def data(self, episode: int) -> Path:
        """Rows of an episode."""
        chunk, file = chunk_and_file(episode)
        return self.root / DATA_PATH.format(chunk_index=chunk, file_index=file)

    def video(self, key: str, episode: int) -> Path:
        """Pictures of image feature `key` of an episode."""
        chunk, file = chunk_and_file(episode)
        return self.root / VIDEO_PATH.format(video_key=key, chunk_index=chunk, file_index=file)

    def episode_metadata(self, episode: int) -> Path:
        """Metadata of an episode; its appearance is what commits the episode."""
        chunk, file = chunk_and_file(episode)
        return self.root / EPISODES_PATH.format(chunk_index=chunk, file_index=file)

    def committed(self) -> list[Path]:
        """Metadata files of the saved episodes, in order."""
        return sorted(self.episodes.glob('chunk-*/file-*.parquet'))

    def published(self) -> list[Path]:
        """Data and video files, committed or not."""
        found = [*self.root.glob('data/chunk-*/file-*.parquet')]
        return sorted([*found, *self.root.glob('videos/*/chunk-*/file-*.mp4')])


def episode_of(path: Path) -> int:
    """Episode index of a data, video or metadata file, from its chunk and file numbers."""
    chunk = int(path.parent.name.removeprefix('chunk-'))
    return chunk * EPISODES_PER_CHUNK + int(path.stem.removeprefix('file-'))
