"""What an audit finds."""

from dataclasses import dataclass
from typing import Literal

Severity = Literal['error', 'warning', 'note']
"""error: data or metadata is wrong; warning: look at it; note: worth knowing, nothing is wrong."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing found in a dataset."""

    severity: Severity
    episode: int | None
    """None: it concerns the whole set."""
    where: str
    """File or column."""
    message: str
