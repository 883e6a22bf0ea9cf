"""What an interrupted recorder left behind: found, reported, kept.

Nothing that holds data is deleted. Journals without a committed episode, and published files
without metadata, move to `.journal/torn-...` unchanged.
"""

import logging
import shutil
from collections.abc import Collection
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from vla_mbpo.episodes.files import TEMPORARY_SUFFIX
from vla_mbpo.episodes.folder import EPISODE_PREFIX
from vla_mbpo.episodes.folder import TORN_PREFIX
from vla_mbpo.episodes.folder import DatasetFolder
from vla_mbpo.episodes.folder import episode_of
from vla_mbpo.episodes.journal import read_header
from vla_mbpo.errors import VlaMbpoError

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Recovered:
    """Leftovers of one recording that never became an episode."""

    episode: int
    """Index that it would have had."""
    kept_at: Path

    def __str__(self) -> str:
        return f'an unsaved recording of episode {self.episode} is kept at {self.kept_at}'


def recover(
    folder: DatasetFolder, *, saved: int, recording_ids: Collection[str]
) -> tuple[Recovered, ...]:
    """Set aside everything that does not belong to the first `saved` episodes."""
    for part in (folder.root / 'meta').glob(f'**/*{TEMPORARY_SUFFIX}'):
        part.unlink()
    found = []
    for journal in sorted(folder.journal.glob(f'{EPISODE_PREFIX}*')):
        if _recording_id(journal) in recording_ids:
            shutil.rmtree(journal)  # it was saved; only the clean-up was cut short
        else:
            found.append(set_aside(folder, int(journal.name.removeprefix(EPISODE_PREFIX))))
    orphans = [path for path in folder.published() if episode_of(path) >= saved]
    for episode in sorted({episode_of(path) for path in orphans}):
        files = [path for path in orphans if episode_of(path) == episode]
        found.append(_set_orphans_aside(folder, episode, files))
    for recovered in found:
        logger.warning('dataset %s: %s', folder.root, recovered)
    return tuple(found)


def set_aside(folder: DatasetFolder, episode: int) -> Recovered:
    """Move the journal of an episode out of the way; needs no disk space."""
    target = _torn_folder(folder, episode)
    folder.journal_of(episode).rename(target)
    return Recovered(episode=episode, kept_at=target)


def _set_orphans_aside(folder: DatasetFolder, episode: int, files: Iterable[Path]) -> Recovered:
    target = _torn_folder(folder, episode)
    for path in files:
        place = target / path.relative_to(folder.root)
        place.parent.mkdir(parents=True, exist_ok=True)
        path.rename(place)
    return Recovered(episode=episode, kept_at=target)


def _torn_folder(folder: DatasetFolder, episode: int) -> Path:
    numbers = [int(path.name.split('-')[1]) for path in folder.journal.glob(f'{TORN_PREFIX}*')]
    return folder.journal / f'{TORN_PREFIX}{max(numbers, default=-1) + 1:03d}-episode-{episode:06d}'


def _recording_id(journal: Path) -> str | None:
    try:
        return read_header(journal).recording_id
    except VlaMbpoError:  # cut short while the header was written
        return None
