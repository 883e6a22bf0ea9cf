"""What the commands share: exit codes, a console, JSON and a progress bar."""

import json
import sys
from collections.abc import Iterator
from collections.abc import Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import Progress as Bar

from vla_mbpo.episodes.finding import Progress

CLEAN, FOUND = 0, 1
"""Exit codes: nothing wrong, and findings. What cannot be read or written at all exits with 2."""
PIPE_WIDTH = 120


def console() -> Console:
    """Console as wide as the terminal; lines that go to a file or pipe are not squeezed."""
    found = Console()
    return found if found.is_terminal else Console(width=PIPE_WIDTH)


def print_json(value: Mapping[str, Any]) -> None:
    """Print a JSON object."""
    print(json.dumps(value, indent=2))


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """A bar per kind of work on standard error; nothing is drawn where that is no terminal."""
    with Bar(
        console=Console(file=sys.stderr), transient=True, disable=not sys.stderr.isatty()
    ) as bar:
        tasks = {}

        def show(what: str, done: int, of: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=of)
            bar.update(tasks[what], completed=done, total=of)

        yield show
