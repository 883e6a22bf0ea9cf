"""All devices that feed the queue of one session, opened and closed together."""

import os
import threading
import time
from collections.abc import Iterable
from collections.abc import Iterator
from contextlib import ExitStack
from types import TracebackType

from vla_mbpo_robot.operator.events import OperatorEvent
from vla_mbpo_robot.operator.keyboard import keyboard
from vla_mbpo_robot.operator.keyboard import open_terminal
from vla_mbpo_robot.operator.pedal import pedal
from vla_mbpo_robot.operator.queue import OperatorQueue
from vla_mbpo_robot.tether import LINES_VARIABLE

_READ_BYTES = 4096
LAUNCHER = 'keyboard'
"""Where events from a launcher come from: it reads the keys for us."""


class OperatorDevices:
    """Keyboard of our own terminal, lines of a launcher, and a pedal; whichever there are."""

    def __init__(self, *, pedal_device: str = '', pedal_keys: str = '') -> None:
        """Open them.

        Raises:
            MissingDependencyError: a pedal is asked for without the evdev package.
            VlaMbpoError: there is no such pedal, or its keys are not understood.
        """
        self.queue = OperatorQueue()
        self.terminal = open_terminal()
        """Our own terminal, where there is no launcher in between."""
        self._stack = ExitStack()
        if pedal_device:
            self._stack.enter_context(
                pedal(pedal_device, pedal_keys, lambda event: self.put(event, 'pedal'))
            )
        if self.terminal is not None:
            self._stack.enter_context(
                keyboard(self.terminal, lambda event: self.put(event, 'keyboard'))
            )
        elif lines := os.environ.get(LINES_VARIABLE):
            reader = threading.Thread(
                target=self._read_lines, args=(int(lines),), name='launcher', daemon=True
            )
            reader.start()

    def put(self, event: OperatorEvent, source: str) -> None:
        """Queue one event, as of now."""
        self.queue.put(event, source=source, wall_s=time.monotonic())

    def close(self) -> None:
        """Close them; the terminal is as it was."""
        self._stack.close()

    def __enter__(self) -> 'OperatorDevices':
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _read_lines(self, descriptor: int) -> None:
        rest = b''
        while data := os.read(descriptor, _READ_BYTES):
            *lines, rest = (rest + data).split(b'\n')
            for event in known_events(lines):
                self.put(event, LAUNCHER)


def known_events(lines: Iterable[bytes]) -> Iterator[OperatorEvent]:
    """Events by name; what a launcher of another version may say is passed over."""
    known = {event.value: event for event in OperatorEvent}
    for line in lines:
        if event := known.get(line.decode(errors='replace').strip()):
            yield event
