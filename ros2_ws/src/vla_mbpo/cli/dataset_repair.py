"""`vla-mbpo dataset repair`: a sound dataset out of a damaged one."""

from dataclasses import asdict
from dataclasses import dataclass
from pathlib import Path

from vla_mbpo.cli.dataset_check import Root
from vla_mbpo.cli.output import CLEAN
from vla_mbpo.cli.output import FOUND
from vla_mbpo.cli.output import console
from vla_mbpo.cli.output import print_json
from vla_mbpo.cli.output import progress_bar
from vla_mbpo.episodes.repair import Repaired
from vla_mbpo.episodes.repair import RepairReport
from vla_mbpo.episodes.repair import repair
from vla_mbpo.episodes.repair import repair_in_place
from vla_mbpo.errors import DatasetError


@dataclass(frozen=True, kw_only=True)
class Repair:
    """Keep of each episode what can be proven. Exit code 0: no row lost, 1: some lost, 2: nothing made."""

    root: Root
    out: Path | None = None
    """Folder of the repaired dataset; the damaged one stays as it is."""
    in_place: bool = False
    """Put the repaired dataset in the place of the damaged one, which moves to --backup."""
    backup: Path | None = None
    """Where the damaged dataset goes with --in-place; on the same disk."""
    json: bool = False
    """Print JSON instead of lines."""

    def run(self) -> int:
        """Repair and print what became of each episode; raises DatasetError if nothing can be made of it."""
        with progress_bar() as progress:
            if self.in_place and self.backup is not None and self.out is None:
                report = repair_in_place(self.root, self.backup, progress)
            elif self.out is not None and not self.in_place and self.backup is None:
                report = repair(self.root, self.out, progress)
            else:
                choice = 'give --out FIXED, or --in-place with --backup PATH'
                raise DatasetError(self.root, f'is never changed without a copy: {choice}')
        if self.json:
            print_json({**asdict(report), **_paths(report), 'is_complete': report.is_complete})
        else:
            _print_report(report)
        return CLEAN if report.is_complete else FOUND


def _paths(report: RepairReport) -> dict[str, str | None]:
    return {'out': str(report.out), 'backup': str(report.backup) if report.backup else None}


def _print_report(report: RepairReport) -> None:
    shown = console()
    for remark in report.remarks:
        shown.print(f'[dim]{remark}[/]', highlight=False, soft_wrap=True)
    for episode in report.episodes:
        shown.print(_line(episode), highlight=False, soft_wrap=True)
    kept, rows = (sum(getattr(e, name) for e in report.episodes) for name in ('kept', 'rows'))
    whole = sum(episode.kept == episode.rows for episode in report.episodes)
    count = f'{whole} of {len(report.episodes)} episodes whole, {kept} of {rows} rows kept'
    shown.print(f'{report.out}: {count}', highlight=False, soft_wrap=True)
    if report.backup is not None:
        shown.print(f'the damaged set is {report.backup}', highlight=False, soft_wrap=True)


def _line(episode: Repaired) -> str:
    if episode.index is None:
        return f'[red]lost[/] episode {episode.episode}, {episode.rows} rows: {episode.reason}'
    place = f'episode {episode.episode} -> {episode.index}'
    if episode.kept == episode.rows:
        return f'[green]kept[/] {place}, {episode.rows} rows'
    return f'[yellow]cut[/] {place}, {episode.kept} of {episode.rows} rows: {episode.reason}'
