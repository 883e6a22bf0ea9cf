"""`vla-mbpo dataset`: what a dataset folder holds, and whether it is sound."""

from dataclasses import asdict
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from typing import Any
from typing import Protocol

import tyro
from rich.table import Table

from vla_mbpo.cli.dataset_check import Check
from vla_mbpo.cli.dataset_edit import Relabel
from vla_mbpo.cli.dataset_edit import Remove
from vla_mbpo.cli.dataset_edit import Restore
from vla_mbpo.cli.dataset_edit import Undo
from vla_mbpo.cli.dataset_merge import Export
from vla_mbpo.cli.dataset_merge import Merge
from vla_mbpo.cli.dataset_merge import Split
from vla_mbpo.cli.dataset_repair import Repair
from vla_mbpo.cli.dataset_stats import Stats
from vla_mbpo.cli.dataset_viz import Viz
from vla_mbpo.cli.output import CLEAN
from vla_mbpo.cli.output import console
from vla_mbpo.cli.output import print_json
from vla_mbpo.episodes.contact_sheet import write_contact_sheet
from vla_mbpo.episodes.reader import DatasetReader
from vla_mbpo.episodes.schema import EpisodeSummary

COLOURS = {
    'good': 'green',
    'usable': 'yellow',
    'bad': 'red',
    'success': 'green',
    'failure': 'red',
    'unlabelled': 'yellow',
}

Root = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar='DIR', help='Dataset folder.')]


@dataclass(frozen=True, kw_only=True)
class Info:
    """Table of the episodes: frames, rate, success, split, flagged rows, camera skew, verdict."""

    root: Root
    json: bool = False
    """Print JSON instead of a table."""

    def run(self) -> int:
        """Print it; raises DatasetError if the dataset cannot be read."""
        with DatasetReader(self.root) as reader:
            if self.json:
                print_json(_info_json(reader))
            else:
                _print_info(reader)
        return CLEAN


@dataclass(frozen=True, kw_only=True)
class ContactSheet:
    """One PNG per episode: evenly spaced pictures of every camera, joint curves, success and flags."""

    root: Root
    episode: int | None = None
    """Episode index; all episodes if not given."""
    out: Path | None = None
    """Folder, or file for a single episode; DIR/contact_sheets if not given."""

    def run(self) -> int:
        """Write them; raises DatasetError if the dataset cannot be read or the file not written."""
        folder = self.out or self.root / 'contact_sheets'
        with DatasetReader(self.root) as reader:
            wanted = range(len(reader)) if self.episode is None else [self.episode]
            for index in wanted:
                is_file = self.episode is not None and folder.suffix == '.png'
                path = folder if is_file else folder / f'episode-{index:06d}.png'
                write_contact_sheet(reader, index, path)
                console().print(str(path), highlight=False, soft_wrap=True)
        return CLEAN


class Runnable(Protocol):
    """A command with its arguments."""

    def run(self) -> int:
        """Do it; returns the exit code."""
        ...


Command = (
    Annotated[Info, tyro.conf.subcommand('info')]
    | Annotated[Check, tyro.conf.subcommand('check')]
    | Annotated[Repair, tyro.conf.subcommand('repair')]
    | Annotated[Stats, tyro.conf.subcommand('stats')]
    | Annotated[Merge, tyro.conf.subcommand('merge')]
    | Annotated[Split, tyro.conf.subcommand('split')]
    | Annotated[Export, tyro.conf.subcommand('export')]
    | Annotated[ContactSheet, tyro.conf.subcommand('contact-sheet')]
    | Annotated[Viz, tyro.conf.subcommand('viz')]
    | Annotated[Relabel, tyro.conf.subcommand('relabel')]
    | Annotated[Remove, tyro.conf.subcommand('remove')]
    | Annotated[Restore, tyro.conf.subcommand('restore')]
    | Annotated[Undo, tyro.conf.subcommand('undo')]
)


def main(argv: list[str]) -> int:
    """Run `vla-mbpo dataset ARGV`; returns the exit code.

    Raises:
        DatasetError: the dataset cannot be read.
    """
    command: Runnable = tyro.cli(
        Command,
        args=argv,
        prog='vla-mbpo dataset',
        description=__doc__,
    )
    return command.run()


def _info_json(reader: DatasetReader) -> dict[str, Any]:
    summaries = reader.summaries()
    return {
        'root': str(reader.folder.root),
        'robot': reader.spec.robot,
        'fps': reader.spec.fps,
        'cameras': [asdict(camera) for camera in reader.spec.cameras],
        'episodes': [asdict(summary) for summary in summaries],
        'totals': {
            'episodes': len(summaries),
            'frames': sum(s.frames for s in summaries),
            'seconds': sum(s.duration_s for s in summaries),
            'successes': _successes(summaries),
            'flagged_rows': sum(s.flagged_rows for s in summaries),
        },
    }


def _successes(summaries: list[EpisodeSummary]) -> int:
    return sum(summary.outcome == 'success' for summary in summaries)


def _print_info(reader: DatasetReader) -> None:
    spec, summaries = reader.spec, reader.summaries()
    cameras = ', '.join(f'{camera.name} {camera.width}x{camera.height}' for camera in spec.cameras)
    shown = console()
    shown.print(f'[bold]{reader.folder.root}[/]', highlight=False, soft_wrap=True)
    layout = f'{len(spec.state_names)} state dims, {len(spec.action_names)} action dims'
    shown.print(f'{spec.robot}, {spec.fps:g} Hz, {layout}, {cameras}', highlight=False)
    shown.print(_table(summaries))
    shown.print(_totals(summaries), highlight=False)


def _table(summaries: list[EpisodeSummary]) -> Table:
    table = Table(box=None, header_style='dim', pad_edge=False, padding=(0, 2, 0, 0))
    for name in ('#', 'frames', 's', 'Hz'):
        table.add_column(name, justify='right', no_wrap=True)
    for name in ('task', 'split', 'condition', 'outcome'):
        table.add_column(name)
    table.add_column('flagged', justify='right', no_wrap=True)
    table.add_column('skew ms p50 p95 max', justify='right', no_wrap=True)
    table.add_column('recording', no_wrap=True)
    for summary in summaries:
        skews = (summary.skew_p50_ms, summary.skew_p95_ms, summary.max_skew_ms)
        table.add_row(
            str(summary.index),
            str(summary.frames),
            f'{summary.duration_s:.1f}',
            f'{summary.rate_hz:.2f}',
            summary.task,
            summary.split,
            summary.condition,
            _coloured(summary.outcome),
            str(summary.flagged_rows),
            ' '.join(f'{skew:5.1f}' for skew in skews),
            _coloured(summary.verdict),
        )
    return table


def _totals(summaries: list[EpisodeSummary]) -> str:
    count, frames = len(summaries), sum(summary.frames for summary in summaries)
    if not count:
        return 'no episodes yet'
    successes, flagged = _successes(summaries), sum(s.flagged_rows for s in summaries)
    seconds = sum(summary.duration_s for summary in summaries)
    labelled = sum(summary.outcome != 'unlabelled' for summary in summaries)
    share = f'{successes} of {labelled} succeeded'
    if labelled:
        share = f'{share} ({successes / labelled:.0%})'
    if labelled < count:
        share = f'{share}, {count - labelled} unlabelled'
    return f'{count} episodes, {frames} frames, {seconds:.1f} s; {share}; {flagged} rows flagged'


def _coloured(word: str) -> str:
    return f'[{COLOURS[word]}]{word}[/]'
