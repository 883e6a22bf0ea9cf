"""What a session prints for the launcher that shows it: progress, details of the screen, and sounds, one per line."""

import dataclasses
import json
from dataclasses import dataclass
from typing import Annotated

from vla_mbpo.config import from_mapping
from vla_mbpo.config import setting
from vla_mbpo.errors import ConfigError
from vla_mbpo_robot.collection_io import Phase
from vla_mbpo_robot.operator.sounds import Cue

PHASES = tuple(phase.name.lower() for phase in Phase)
"""Names of the phases of vla_mbpo_msgs/SessionStatus, by number."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a session is; fields as in vla_mbpo_msgs/SessionStatus."""

    phase: Annotated[int, setting('Number of the phase', ge=0, lt=len(PHASES))]
    saved: int
    wanted: int
    succeeded: int
    discarded: int
    message: str = ''
    """What the operator should know or do now."""

    def __str__(self) -> str:
        count = f'{self.saved}/{self.wanted} saved, {self.succeeded} succeeded'
        return f'{count}; {PHASES[self.phase]}' + (f': {self.message}' if self.message else '')


@dataclass(frozen=True, kw_only=True)
class Details:
    """What changes all the time; for a screen that is drawn anew."""

    task: str
    split: str
    condition: str
    notice: str = ''
    """What the last press was answered with, where it did nothing."""
    verdict: str = ''
    inputs: tuple[str, ...] = ()
    """Operator events that do something now."""
    checks: tuple[str, ...] = ()
    """Preflight, one line each, beginning with ok, warn or fail."""
    cameras: tuple[str, ...] = ()
    rate_hz: tuple[float, ...] = ()
    skew_ms: tuple[float, ...] = ()
    disk_minutes: float = -1.0
    """-1 while unknown."""
    rows: int = 0
    flagged_rows: int = 0


@dataclass(frozen=True, kw_only=True)
class Heard:
    """A sound that the launcher's terminal makes."""

    cue: Cue


Report = Progress | Details | Heard
_PREFIXES: dict[str, type[Report]] = {'PROGRESS': Progress, 'DETAILS': Details, 'CUE': Heard}


def to_line(report: Report) -> str:
    """The line that the session prints on standard output."""
    prefix = next(name for name, kind in _PREFIXES.items() if kind is type(report))
    return f'{prefix} {json.dumps(dataclasses.asdict(report))}'


def from_line(line: str) -> Report | None:
    """What `to_line` said; None for any other line, which is then shown as it is."""
    prefix, _, text = line.partition(' ')
    if prefix not in _PREFIXES:
        return None
    try:
        return from_mapping(_PREFIXES[prefix], json.loads(text), source=f'{prefix} line')
    except (ConfigError, json.JSONDecodeError):
        return None
