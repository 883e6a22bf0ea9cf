"""`vla-mbpo dataset check`: whether a dataset is sound and its pictures pair with the joints."""

from collections.abc import Iterable
from dataclasses import asdict
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from typing import Any

import tyro

from vla_mbpo.cli.output import CLEAN
from vla_mbpo.cli.output import FOUND
from vla_mbpo.cli.output import console
from vla_mbpo.cli.output import print_json
from vla_mbpo.cli.output import progress_bar
from vla_mbpo.episodes.check import check
from vla_mbpo.episodes.finding import Finding
from vla_mbpo.episodes.foreign import AnyDataset
from vla_mbpo.episodes.pairing import Pairing
from vla_mbpo.episodes.pairing_check import pairing_findings
from vla_mbpo.episodes.pairing_check import pairings

SEVERITY_COLOURS = {'error': 'red', 'warning': 'yellow', 'note': 'dim'}

Root = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar='DIR', help='Dataset folder.')]


@dataclass(frozen=True, kw_only=True)
class Check:
    """Audit a LeRobotDataset v3.0, ours or anybody's. Exit code 0: sound, 1: findings, 2: cannot be read."""

    root: Root
    json: bool = False
    """Print JSON instead of lines."""
    deep: bool = False
    """Decode every picture, not only the first and last of each video."""
    pairing: bool = True
    """Compare the motion in the pictures with the joints' speed, to find shifted videos."""

    def run(self) -> int:
        """Print the findings; raises DatasetError if the dataset cannot be read."""
        with progress_bar() as progress:
            findings = check(self.root, deep=self.deep, progress=progress)
            dataset = AnyDataset(self.root)
            offsets = pairings(dataset, progress) if self.pairing else []
        findings += pairing_findings(offsets, dataset.fps)
        is_clean = all(finding.severity == 'note' for finding in findings)
        if self.json:
            print_json(_as_json(self.root, findings, offsets, is_clean=is_clean))
        else:
            _print_offsets(offsets)
            _print_findings(self.root, findings, is_clean=is_clean)
        return CLEAN if is_clean else FOUND


def _as_json(
    root: Path, findings: Iterable[Finding], offsets: Iterable[Pairing], *, is_clean: bool
) -> dict[str, Any]:
    return {
        'root': str(root),
        'is_clean': is_clean,
        'findings': [asdict(finding) for finding in findings],
        'pairing': [
            {**asdict(pairing), 'offset_ms': pairing.offset_s * 1e3, 'certain': pairing.is_certain}
            for pairing in offsets
        ],
    }


def _print_offsets(offsets: Iterable[Pairing]) -> None:
    for pairing in offsets:
        said = f'{pairing.offset_s * 1e3:+.0f} ms' if pairing.is_certain else 'not known'
        line = f'{pairing.feature} against joints: {said} ({pairing.explained:.0%} of the motion explained)'
        console().print(line, highlight=False, soft_wrap=True)


def _print_findings(root: Path, findings: list[Finding], *, is_clean: bool) -> None:
    shown = console()
    for finding in findings:
        colour = SEVERITY_COLOURS[finding.severity]
        place = 'dataset' if finding.episode is None else f'episode {finding.episode}'
        line = f'[{colour}]{finding.severity}[/] {place}, {finding.where}: {finding.message}'
        shown.print(line, highlight=False, soft_wrap=True)
    counts = {name: sum(f.severity == name for f in findings) for name in SEVERITY_COLOURS}
    listing = ', '.join(f'{count} {name}s' for name, count in counts.items())
    verdict = '[green]sound[/]' if is_clean else '[red]not sound[/]'
    shown.print(f'{root}: {verdict} ({listing})', highlight=False, soft_wrap=True)
