"""What an audit finds."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Severity = Literal['error', 'warning', 'note']
"""error: data or metadata is wrong; warning: look at it; note: worth knowing, nothing is wrong."""

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how many steps are done, and of how many."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing found in a dataset."""

    severity: Severity
    episode: int | None
    """None: it concerns the whole set."""
    where: str
    """File or column."""
    message: str


def no_progress(what: str, done: int, of: int) -> None:
    """A `Progress` that shows nothing."""
