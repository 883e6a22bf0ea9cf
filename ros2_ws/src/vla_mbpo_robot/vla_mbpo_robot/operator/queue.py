"""One queue for all input devices, safe to fill from any thread."""

import queue
from collections.abc import Iterator

from vla_mbpo_robot.operator.events import OperatorEvent
from vla_mbpo_robot.operator.events import OperatorInput

BOUNCE_S = 0.25
"""The same event from the same device within this time is one press: pedals bounce, keys repeat."""


class OperatorQueue:
    """Events in the order in which they were pressed; only the session takes them out."""

    def __init__(self, bounce_s: float = BOUNCE_S) -> None:
        self._bounce_s = bounce_s
        self._queue: queue.SimpleQueue[tuple[OperatorInput, float]] = queue.SimpleQueue()
        self._last_s: dict[OperatorInput, float] = {}

    def put(self, event: OperatorEvent, *, source: str, wall_s: float) -> None:
        """Add one press, at `wall_s` of a clock that never runs backwards."""
        self._queue.put((OperatorInput(event=event, source=source), wall_s))

    def drain(self) -> Iterator[OperatorInput]:
        """Take out what has come, bounces left out."""
        while True:
            try:
                pressed, wall_s = self._queue.get_nowait()
            except queue.Empty:
                return
            is_bounce = wall_s - self._last_s.get(pressed, float('-inf')) < self._bounce_s
            self._last_s[pressed] = wall_s
            if not is_bounce:
                yield pressed
