"""`vla-mbpo dataset stats`: statistics of a dataset, counted again over all its rows and pictures."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from rich.table import Table

from vla_mbpo.cli.dataset_check import Root
from vla_mbpo.cli.output import CLEAN
from vla_mbpo.cli.output import FOUND
from vla_mbpo.cli.output import console
from vla_mbpo.cli.output import print_json
from vla_mbpo.cli.output import progress_bar
from vla_mbpo.episodes.foreign import AnyDataset
from vla_mbpo.episodes.recount import recount
from vla_mbpo.episodes.recount import stored_statistics
from vla_mbpo.episodes.recount import worst_deviation
from vla_mbpo.episodes.recount import write_statistics

SHOWN = ('min', 'q01', 'mean', 'std', 'q99', 'max')
TOLERANCE = 1e-6


@dataclass(frozen=True, kw_only=True)
class Stats:
    """Exact statistics. Exit code 0: meta/stats.json says the same, or --write; 1: it differs; 2: unreadable."""

    root: Root
    write: bool = False
    """Write them to meta/stats.json."""
    json: bool = False
    """Print JSON instead of a table."""

    def run(self) -> int:
        """Print them; raises DatasetError if the dataset cannot be read or written."""
        dataset = AnyDataset(self.root)
        with progress_bar() as progress:
            statistics = recount(dataset, progress)
        stored = stored_statistics(dataset)
        off = {key: worst_deviation(stored.get(key), statistics[key]) for key in statistics}
        if self.write:
            write_statistics(dataset, statistics)
        if self.json:
            finite = {key: value if math.isfinite(value) else None for key, value in off.items()}
            print_json({'root': str(self.root), 'statistics': statistics, 'stored_off': finite})
        else:
            _print_table(statistics, off)
        return CLEAN if self.write or all(value <= TOLERANCE for value in off.values()) else FOUND


def _print_table(statistics: Mapping[str, Mapping[str, Any]], off: Mapping[str, float]) -> None:
    table = Table(box=None, header_style='dim', pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column('feature', no_wrap=True)
    for name in (*SHOWN, 'stored is off by'):
        table.add_column(name, justify='right', no_wrap=True)
    for key, values in statistics.items():
        columns = [_flat(values[name]) for name in SHOWN]
        for k, numbers in enumerate(zip(*columns, strict=True)):
            wide = f'{key}[{k}]' if len(columns[0]) > 1 else key
            said = _share(off[key]) if k == 0 else ''
            table.add_row(wide, *(f'{number:.5g}' for number in numbers), said)
    console().print(table)


def _share(deviation: float) -> str:
    if not math.isfinite(deviation):
        return 'missing'
    return '-' if deviation <= TOLERANCE else f'{deviation:.1%} of the range'


def _flat(value: Any) -> list[float]:  # noqa: ANN401  nested lists, deeper for pictures
    return list(chain.from_iterable(map(_flat, value))) if isinstance(value, list) else [value]
