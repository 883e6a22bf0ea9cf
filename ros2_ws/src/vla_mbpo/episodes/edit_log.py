"""`meta/edits.jsonl`: what was changed in saved episodes, by whom and when; lines are only ever added."""

import getpass
import json
from collections.abc import Iterable
from dataclasses import asdict
from dataclasses import dataclass
from datetime import datetime
from datetime import timezone
from typing import Final
from typing import Literal

from vla_mbpo.config import from_mapping
from vla_mbpo.episodes.files import append_line
from vla_mbpo.episodes.folder import DatasetFolder
from vla_mbpo.errors import ConfigError
from vla_mbpo.errors import DatasetError

Field = Literal['outcome', 'removed']
OUTCOME: Final = 'outcome'
REMOVED: Final = 'removed'
YES, NO = 'yes', 'no'
NOT_AN_UNDO = -1


@dataclass(frozen=True, kw_only=True)
class Edit:
    """One change of one recording."""

    time: str
    """UTC, ISO 8601."""
    who: str
    recording_id: str
    episode: int
    """Its index at that time."""
    field: Field
    old: str
    new: str
    undoes: int = NOT_AN_UNDO
    """Number of the line, from 0, that this one takes back."""


def read_edits(folder: DatasetFolder) -> list[Edit]:
    """All edits, oldest first. A last line that a crash cut short was never acknowledged and is left out.

    Raises:
        DatasetError: a line is damaged.
    """
    if not folder.edits.exists():
        return []
    lines = folder.edits.read_text(encoding='utf-8', errors='replace').split('\n')
    # A torn line is the last one, or was ended by the line after it.
    whole = [(number, line) for number, line in enumerate(lines, start=1) if line.endswith('}')]
    return [_edit(folder, number, line) for number, line in whole]


def append_edit(folder: DatasetFolder, edit: Edit) -> None:
    """Add a line; it is on the disk when this returns.

    Raises:
        OSError: the disk is full.
    """
    append_line(folder.edits, json.dumps(asdict(edit)))


def removed_ids(edits: Iterable[Edit]) -> frozenset[str]:
    """Recordings that are removed and not restored."""
    states = {edit.recording_id: edit.new for edit in edits if edit.field == REMOVED}
    return frozenset(recording for recording, state in states.items() if state == YES)


def last_edit(edits: list[Edit]) -> int | None:
    """Number of the newest edit that has not been taken back and is itself no undo; None: there is none."""
    taken_back = {edit.undoes for edit in edits}
    for number in reversed(range(len(edits))):
        if number not in taken_back and edits[number].undoes == NOT_AN_UNDO:
            return number
    return None


def now_utc() -> str:
    """The time for a new line."""
    return datetime.now(timezone.utc).isoformat(timespec='seconds')


def user_name() -> str:
    """Who runs this process; '' if the system does not say."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ''


def _edit(folder: DatasetFolder, number: int, line: str) -> Edit:
    try:
        return from_mapping(Edit, json.loads(line), source='edit')
    except (ValueError, ConfigError) as error:
        where = f'{folder.edits.relative_to(folder.root)} line {number}'
        raise DatasetError(folder.root, f'{where} cannot be read: {error}') from error
