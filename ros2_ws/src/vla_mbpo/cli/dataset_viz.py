"""`vla-mbpo dataset viz`: an episode as a page for the browser, or as a recording for rerun."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from vla_mbpo.cli.output import CLEAN
from vla_mbpo.cli.output import console
from vla_mbpo.episodes.reader import DatasetReader
from vla_mbpo.episodes.viz import write_page
from vla_mbpo.episodes.viz_rerun import write_rrd
from vla_mbpo.errors import UnknownNameError

Root = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar='DIR', help='Dataset folder.')]


@dataclass(frozen=True, kw_only=True)
class Viz:
    """Show an episode: one HTML page with synchronized views and curves, or a rerun recording."""

    root: Root
    out: Path
    """File to write: NAME.html, or NAME.rrd (needs the extra 'viz')."""
    episode: int = 0
    """Episode index."""
    assets: bool = False
    """Put the videos of the page into a folder NAME_assets beside it, not into the page."""

    def run(self) -> int:
        """Write the file; raises DatasetError if the episode cannot be read or the file not written."""
        writers: dict[str, Callable[[DatasetReader], None]] = {
            '.html': self._write_page,
            '.rrd': lambda reader: write_rrd(reader, self.episode, self.out),
        }
        if self.out.suffix not in writers:
            raise UnknownNameError('kind of file', self.out.suffix, known=writers, where='--out')
        with DatasetReader(self.root) as reader:
            writers[self.out.suffix](reader)
        console().print(str(self.out), highlight=False, soft_wrap=True)
        return CLEAN

    def _write_page(self, reader: DatasetReader) -> None:
        assets = self.out.with_name(f'{self.out.stem}_assets') if self.assets else None
        write_page(reader, self.episode, self.out, assets=assets)
