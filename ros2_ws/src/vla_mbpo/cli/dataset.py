"""`vla-mbpo dataset`: what a dataset folder holds, and whether it is sound."""

import json
from dataclasses import asdict
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from typing import Any

import tyro
from rich.console import Console
from rich.table import Table

from vla_mbpo.episodes.check import Finding
from vla_mbpo.episodes.check import check
from vla_mbpo.episodes.contact_sheet import write_contact_sheet
from vla_mbpo.episodes.reader import DatasetReader
from vla_mbpo.episodes.schema import EpisodeSummary

CLEAN, FOUND = 0, 1
PIPE_WIDTH = 120
COLOURS = {'good': 'green', 'usable': 'yellow', 'bad': 'red', 'success': 'green', 'failure': 'red'}
SEVERITY_COLOURS = {'error': 'red', 'warning': 'yellow', 'note': 'dim'}

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
                _print_json(_info_json(reader))
            else:
                _print_info(reader)
        return CLEAN


@dataclass(frozen=True, kw_only=True)
class Check:
    """Recompute and compare everything. Exit code 0: sound, 1: findings, 2: cannot be read."""

    root: Root
    json: bool = False
    """Print JSON instead of lines."""

    def run(self) -> int:
        """Print the findings; raises DatasetError if the dataset cannot be read."""
        findings = check(self.root)
        is_clean = all(finding.severity == 'note' for finding in findings)
        if self.json:
            listed = [asdict(finding) for finding in findings]
            _print_json({'root': str(self.root), 'is_clean': is_clean, 'findings': listed})
        else:
            _print_findings(self.root, findings, is_clean=is_clean)
        return CLEAN if is_clean else FOUND


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
                _console().print(str(path), highlight=False, soft_wrap=True)
        return CLEAN


Command = (
    Annotated[Info, tyro.conf.subcommand('info')]
    | Annotated[Check, tyro.conf.subcommand('check')]
    | Annotated[ContactSheet, tyro.conf.subcommand('contact-sheet')]
)


def main(argv: list[str]) -> int:
    """Run `vla-mbpo dataset ARGV`; returns the exit code.

    Raises:
        DatasetError: the dataset cannot be read.
    """
    command: Info | Check | ContactSheet = tyro.cli(
        Command,
        args=argv,
        prog='vla-mbpo dataset',
        description=__doc__,
    )
    return command.run()


def _console() -> Console:
    """Console as wide as the terminal; lines that go to a file or pipe are not squeezed."""
    console = Console()
    return console if console.is_terminal else Console(width=PIPE_WIDTH)


def _print_json(value: dict[str, Any]) -> None:
    print(json.dumps(value, indent=2))


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
    console = _console()
    console.print(f'[bold]{reader.folder.root}[/]', highlight=False, soft_wrap=True)
    layout = f'{len(spec.state_names)} state dims, {len(spec.action_names)} action dims'
    console.print(f'{spec.robot}, {spec.fps:g} Hz, {layout}, {cameras}', highlight=False)
    console.print(_table(summaries))
    console.print(_totals(summaries), highlight=False)


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
    share = f'{successes} of {count} succeeded ({successes / count:.0%})'
    return f'{count} episodes, {frames} frames, {seconds:.1f} s; {share}; {flagged} rows flagged'


def _coloured(word: str) -> str:
    return f'[{COLOURS[word]}]{word}[/]'


def _print_findings(root: Path, findings: list[Finding], *, is_clean: bool) -> None:
    console = _console()
    for finding in findings:
        colour = SEVERITY_COLOURS[finding.severity]
        place = 'dataset' if finding.episode is None else f'episode {finding.episode}'
        line = f'[{colour}]{finding.severity}[/] {place}, {finding.where}: {finding.message}'
        console.print(line, highlight=False, soft_wrap=True)
    counts = {name: sum(f.severity == name for f in findings) for name in SEVERITY_COLOURS}
    listing = ', '.join(f'{count} {name}s' for name, count in counts.items())
    verdict = '[green]sound[/]' if is_clean else '[red]not sound[/]'
    console.print(f'{root}: {verdict} ({listing})', highlight=False, soft_wrap=True)
