"""How nodes' lines and the progress of a session look in a terminal and in a log."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn
from rich.progress import MofNCompleteColumn
from rich.progress import Progress as ProgressBar
from rich.progress import TaskID
from rich.progress import TextColumn
from rich.progress import TimeElapsedColumn
from rich.text import Text

from vla_mbpo_robot.progress import PHASES
from vla_mbpo_robot.progress import Progress

_COLOURS = ('cyan', 'green', 'yellow', 'blue', 'magenta', 'bright_cyan', 'bright_green')
_NAME_WIDTH = 16


class PipeConsole(Console):
    """Console whose lines are printed by threads: a reader that left is an error, not the end of a thread."""

    def on_broken_pipe(self) -> None:
        """Called while the BrokenPipeError is handled; rich would end the thread with SystemExit."""
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


class LinePrinter:
    """Prints `[node] line`; each node has its colour where the console is a terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._free = cycle(_COLOURS)
        self._colours: dict[str, str] = {}

    def __call__(self, name: str, line: str) -> None:
        """Print one line of node `name`."""
        if name not in self._colours:
            self._colours[name] = next(self._free)
        prefix = Text(f'[{name}]'.ljust(_NAME_WIDTH + 3), style=self._colours[name])
        self._console.print(prefix + Text.from_ansi(line), soft_wrap=True)


class LogFile:
    """The same lines in a file, which appears with the first of them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: TextIO | None = None

    def write(self, name: str, line: str) -> None:
        """Append one line of node `name`; OSError if the disk does not take it."""
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open('w', encoding='utf-8')
        self._file.write(f'[{name}] {line}\n')
        self._file.flush()

    def close(self) -> None:
        """Close the file; harmless without one."""
        if self._file is not None:
            self._file.close()


class ProgressDisplay:
    """A progress bar in a terminal, one line per change elsewhere."""

    def __init__(self, console: Console, title: str) -> None:
        self._console = console
        self._title = title
        self._bar = ProgressBar(
            TextColumn('{task.description}'),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn('{task.fields[state]}'),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._task: TaskID | None = None
        self._shown = ''

    @contextmanager
    def running(self) -> Iterator[None]:
        """Keep the display from the first `show` to the end of the block."""
        try:
            yield
        finally:
            self._bar.stop()

    def show(self, progress: Progress) -> None:
        """Move the bar to `progress`."""
        if not self._console.is_terminal:
            text = str(progress)
            if text != self._shown:
                self._console.print(f'{self._title}: {text}')
            self._shown = text
            return
        if self._task is None:
            self._task = self._bar.add_task(self._title, total=progress.wanted, state='')
            self._bar.start()
        self._bar.update(
            self._task,
            completed=progress.saved,
            total=progress.wanted,
            state=progress.message or PHASES[progress.phase],
        )
