"""Progress of a session as one line of its output, for launchers that show a progress bar."""

import dataclasses
import json
from dataclasses import dataclass
from typing import Annotated

from vla_mbpo.config import from_mapping
from vla_mbpo.config import setting
from vla_mbpo.errors import ConfigError

PREFIX = 'PROGRESS '
PHASES = ('preparing', 'running', 'saving', 'done', 'failed')
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


def to_line(progress: Progress) -> str:
    """The line that the session prints on standard output."""
    return PREFIX + json.dumps(dataclasses.asdict(progress))


def from_line(line: str) -> Progress | None:
    """What `to_line` said; None for any other line, which is then shown as it is."""
    if not line.startswith(PREFIX):
        return None
    try:
        return from_mapping(Progress, json.loads(line.removeprefix(PREFIX)), source='progress line')
    except (ConfigError, json.JSONDecodeError):
        return None
