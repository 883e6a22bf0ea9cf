"""`vla-mbpo dataset merge`, `split` and `export`: new datasets out of others; videos are linked, not encoded."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from vla_mbpo.cli.dataset_check import Root
from vla_mbpo.cli.output import CLEAN
from vla_mbpo.cli.output import console
from vla_mbpo.cli.output import print_json
from vla_mbpo.cli.output import progress_bar
from vla_mbpo.episodes.export import export
from vla_mbpo.episodes.foreign import AnyDataset
from vla_mbpo.episodes.merge import merge
from vla_mbpo.episodes.merge import split

Roots = Annotated[
    tuple[Path, ...],
    tyro.conf.Positional,
    tyro.conf.arg(metavar='DIR', help='Dataset folders, of one robot, rate and camera set.'),
]


@dataclass(frozen=True, kw_only=True)
class Merge:
    """One new dataset of all episodes of several; removed episodes stay out."""

    roots: Roots
    out: Path
    """Folder of the new dataset."""
    json: bool = False
    """Print JSON instead of a line."""

    def run(self) -> int:
        """Write it; raises DatasetError if the sets do not fit together."""
        with progress_bar() as progress:
            _show([merge(self.roots, self.out, progress)], as_json=self.json)
        return CLEAN


@dataclass(frozen=True, kw_only=True)
class Split:
    """Several new datasets, one for each condition, split or outcome, or for every N episodes."""

    root: Root
    by: str
    """'condition', 'split', 'outcome', or a number of episodes."""
    out: Path
    """Folder in which they are made, each under its value's name."""
    json: bool = False
    """Print JSON instead of lines."""

    def run(self) -> int:
        """Write them; raises DatasetError if the episodes have no such column."""
        with progress_bar() as progress:
            sets = split(self.root, self.by, self.out, progress)
        _show(list(sets.values()), as_json=self.json)
        return CLEAN


@dataclass(frozen=True, kw_only=True)
class Export:
    """A clean copy: chosen episodes and cameras, numbered without a gap."""

    root: Root
    out: Path
    """Folder of the copy."""
    episodes: tuple[int, ...] | None = None
    """Indices of the episodes that are taken; all if not given."""
    cameras: tuple[str, ...] | None = None
    """Cameras that are kept; all if not given."""
    without_removed: bool = True
    """Leave out removed episodes; the edit log is not copied, so that others come back."""
    plain: bool = False
    """Keep only state, action, pictures and LeRobot's own columns."""
    json: bool = False
    """Print JSON instead of a line."""

    def run(self) -> int:
        """Write it; raises DatasetError if there is no such episode or camera."""
        with progress_bar() as progress:
            made = export(
                self.root,
                self.out,
                episodes=self.episodes,
                cameras=self.cameras,
                without_removed=self.without_removed,
                plain=self.plain,
                progress=progress,
            )
        _show([made], as_json=self.json)
        return CLEAN


def _show(sets: list[AnyDataset], *, as_json: bool) -> None:
    counts = [(str(s.root), len(s.episodes), int(s.info['total_frames'])) for s in sets]
    if as_json:
        names = ('root', 'episodes', 'frames')
        print_json({'datasets': [dict(zip(names, count, strict=True)) for count in counts]})
        return
    for root, episodes, frames in counts:
        line = f'{root}: {episodes} episodes, {frames} frames'
        console().print(line, highlight=False, soft_wrap=True)
