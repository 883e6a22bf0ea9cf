"""Everything that an operator can say to a session, whatever it was said with."""

from dataclasses import dataclass
from enum import Enum

from vla_mbpo.errors import UnknownNameError


class OperatorEvent(str, Enum):
    """One press. What it does depends on the phase of the session, which also says when it does nothing."""

    START = 'start'
    STOP = 'stop'
    TOGGLE = 'toggle'
    """Stop while recording, start otherwise: for devices with one key."""
    SUCCESS = 'success'
    FAILURE = 'failure'
    DISCARD = 'discard'
    UNDO = 'undo'
    PAUSE = 'pause'
    QUIT = 'quit'


KEYS: dict[str, OperatorEvent] = {
    ' ': OperatorEvent.TOGGLE,
    '\n': OperatorEvent.TOGGLE,
    's': OperatorEvent.SUCCESS,
    'f': OperatorEvent.FAILURE,
    'd': OperatorEvent.DISCARD,
    'u': OperatorEvent.UNDO,
    'p': OperatorEvent.PAUSE,
    'q': OperatorEvent.QUIT,
}
"""Keys of a terminal."""
KEY_NAMES: dict[OperatorEvent, str] = {
    OperatorEvent.START: 'space',
    OperatorEvent.STOP: 'space',
    **{event: key for key, event in KEYS.items() if key.strip()},
}
"""What to press for an event, as it is shown."""


@dataclass(frozen=True, kw_only=True)
class OperatorInput:
    """An event and the device that it came from."""

    event: OperatorEvent
    source: str


def parse_event(word: str, *, where: str) -> OperatorEvent:
    """Event by name.

    Raises:
        UnknownNameError: lists the events that exist.
    """
    try:
        return OperatorEvent(word.strip())
    except ValueError:
        known = [event.value for event in OperatorEvent]
        raise UnknownNameError('operator event', word, known=known, where=where) from None
