"""What an interrupted recorder left behind: saved as far as it is whole, otherwise kept.

The journal stays as it is until its episode is committed, so recovery can itself be cut short anywhere and done again.
Nothing that holds data which is not in an episode is deleted.
"""

import logging
import shutil
from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from vla_mbpo.episodes.files import TEMPORARY_SUFFIX
from vla_mbpo.episodes.folder import DISCARDED_PREFIX
from vla_mbpo.episodes.folder import EPISODE_PREFIX
from vla_mbpo.episodes.folder import TORN_PREFIX
from vla_mbpo.episodes.folder import DatasetFolder
from vla_mbpo.episodes.folder import episode_of
from vla_mbpo.episodes.journal import read_header
from vla_mbpo.episodes.journal import throw_away
from vla_mbpo.episodes.publish import Finished
from vla_mbpo.episodes.salvage import salvage
from vla_mbpo.episodes.schema import DatasetSpec
from vla_mbpo.episodes.schema import EpisodeSummary
from vla_mbpo.episodes.schema import Outcome
from vla_mbpo.errors import VlaMbpoError

logger = logging.getLogger(__name__)

KEPT_LOSS_S = 1.0
"""A journal that lost more than this is kept beside the episode that was made of it."""


@dataclass(frozen=True, kw_only=True)
class Recovered:
    """What became of one recording that was cut short."""

    episode: int
    """Index of the episode that was made of it; where none could be, the index it would have had."""
    rows: int = 0
    """Rows that are saved."""
    rows_found: int = 0
    """Rows that the journal holds; the rest lack a picture or are damaged."""
    outcome: Outcome | None = None
    """What the episode is labelled; None: no episode could be made."""
    kept_at: Path | None = None
    """Where its files are kept, if they are."""
    problem: str = ''
    """Why no episode could be made."""

    @property
    def is_saved(self) -> bool:
        """Whether it is an episode of the dataset now."""
        return self.outcome is not None

    def __str__(self) -> str:
        kept = f'; its files are kept at {self.kept_at}' if self.kept_at else ''
        if self.is_saved:
            share = f'{self.rows} of {self.rows_found} rows'
            return f'episode {self.episode} was cut short and is recovered: {share}, {self.outcome}{kept}'
        why = f' ({self.problem})' if self.problem else ''
        return f'an unsaved recording of episode {self.episode} is kept at {self.kept_at}{why}'


def recover(
    folder: DatasetFolder,
    spec: DatasetSpec,
    recording_ids: Collection[str],
    save: Callable[[Finished], EpisodeSummary],
) -> tuple[Recovered, ...]:
    """Save what journals hold that are not among the committed `recording_ids`; set the rest aside.

    Raises:
        OSError: the folder cannot be written.
    """
    for part in (folder.root / 'meta').glob(f'**/*{TEMPORARY_SUFFIX}'):
        part.unlink()
    for discarded in folder.journal.glob(f'{DISCARDED_PREFIX}*'):
        shutil.rmtree(discarded)
    found = []
    for journal in folder.journals():
        if _recording_id(journal) in recording_ids:
            throw_away(journal)  # it was saved; only the clean-up was cut short
        else:
            found.append(_recovered(folder, spec, journal, save))
    saved = len(folder.committed())
    orphans = [path for path in folder.published() if episode_of(path) >= saved]
    for episode in sorted({episode_of(path) for path in orphans}):
        files = [path for path in orphans if episode_of(path) == episode]
        found.append(_set_orphans_aside(folder, episode, files))
    for recovered in found:
        logger.warning('dataset %s: %s', folder.root, recovered)
    return tuple(found)


def _recovered(
    folder: DatasetFolder,
    spec: DatasetSpec,
    journal: Path,
    save: Callable[[Finished], EpisodeSummary],
) -> Recovered:
    """Save what is whole of a journal, or set it aside."""
    try:
        finished, found = salvage(journal, spec)
        summary = save(finished)
    except OSError as error:  # a full disk, for example: the next start tries again
        episode = _episode_of(journal)
        return Recovered(episode=episode, kept_at=journal, problem=f'could not be saved: {error}')
    except (VlaMbpoError, ValueError) as error:
        return _set_aside(folder, journal, str(error))
    is_lossy = found - summary.frames > KEPT_LOSS_S * spec.fps
    kept_at = _set_aside(folder, journal, '').kept_at if is_lossy else None
    throw_away(journal)
    return Recovered(
        episode=summary.index,
        rows=summary.frames,
        rows_found=found,
        outcome=summary.outcome,
        kept_at=kept_at,
    )


def _set_aside(folder: DatasetFolder, journal: Path, problem: str) -> Recovered:
    """Move a journal out of the way; needs no disk space."""
    episode = _episode_of(journal)
    target = _torn_folder(folder, episode)
    journal.rename(target)
    return Recovered(episode=episode, kept_at=target, problem=problem)


def _set_orphans_aside(folder: DatasetFolder, episode: int, files: Iterable[Path]) -> Recovered:
    target = _torn_folder(folder, episode)
    for path in files:
        place = target / path.relative_to(folder.root)
        place.parent.mkdir(parents=True, exist_ok=True)
        path.rename(place)
    return Recovered(episode=episode, kept_at=target, problem='files without metadata')


def _torn_folder(folder: DatasetFolder, episode: int) -> Path:
    numbers = [int(path.name.split('-')[1]) for path in folder.journal.glob(f'{TORN_PREFIX}*')]
    return folder.journal / f'{TORN_PREFIX}{max(numbers, default=-1) + 1:03d}-episode-{episode:06d}'


def _episode_of(journal: Path) -> int:
    return int(journal.name.removeprefix(EPISODE_PREFIX).split('-')[0])


def _recording_id(journal: Path) -> str | None:
    try:
        return read_header(journal).recording_id
    except VlaMbpoError:  # cut short while the header was written
        return None
