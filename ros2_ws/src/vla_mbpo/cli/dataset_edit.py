"""`vla-mbpo dataset relabel|remove|restore|undo`: changes to saved episodes, each written to the edit log."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from vla_mbpo.cli.output import CLEAN
from vla_mbpo.cli.output import console
from vla_mbpo.episodes import edits
from vla_mbpo.episodes.edit_log import OUTCOME
from vla_mbpo.episodes.edit_log import YES
from vla_mbpo.episodes.edit_log import Edit
from vla_mbpo.episodes.edits import Label

Root = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar='DIR', help='Dataset folder.')]
Episode = Annotated[
    int, tyro.conf.Positional, tyro.conf.arg(metavar='EPISODE', help='Episode index.')
]


@dataclass(frozen=True, kw_only=True)
class Relabel:
    """Change the outcome of an episode; no other file of the dataset is touched."""

    root: Root
    episode: Episode
    outcome: Annotated[Label, tyro.conf.Positional]
    """What the operator says now."""

    def run(self) -> int:
        """Do it; raises DatasetError if there is no such episode or the dataset is in use."""
        _say(edits.relabel(self.root, self.episode, self.outcome))
        return CLEAN


@dataclass(frozen=True, kw_only=True)
class Remove:
    """Hide an episode; the last one's files leave the set, and its index is free again."""

    root: Root
    episode: Episode

    def run(self) -> int:
        """Do it; raises DatasetError if there is no such episode or the dataset is in use."""
        _say(edits.remove(self.root, self.episode))
        return CLEAN


@dataclass(frozen=True, kw_only=True)
class Restore:
    """Bring back a removed episode: at its place, or at the end of the set if its files had left it."""

    root: Root
    recording: str | None = None
    """Recording id, as meta/edits.jsonl has it; the one removed last if not given."""

    def run(self) -> int:
        """Do it; raises DatasetError if nothing is removed or the dataset is in use."""
        _say(edits.restore(self.root, self.recording))
        return CLEAN


@dataclass(frozen=True, kw_only=True)
class Undo:
    """Take back the newest change that has not been taken back."""

    root: Root

    def run(self) -> int:
        """Do it; raises DatasetError if there is none or the dataset is in use."""
        _say(edits.undo_last(self.root))
        return CLEAN


def _say(edit: Edit) -> None:
    if edit.field == OUTCOME:
        what = f'outcome {edit.old} -> {edit.new}'
    else:
        what = 'removed' if edit.new == YES else 'restored'
    line = f'episode {edit.episode} ({edit.recording_id}): {what}'
    console().print(line, highlight=False, soft_wrap=True)
