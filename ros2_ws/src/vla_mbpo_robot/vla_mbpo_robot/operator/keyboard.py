"""Keys of the controlling terminal, one at a time, without X, and a terminal that is left as it was found."""

import contextlib
import os
import select
import termios
import threading
import tty
from collections.abc import Callable
from collections.abc import Iterator

from vla_mbpo_robot.operator.events import KEYS
from vla_mbpo_robot.operator.events import OperatorEvent

TERMINAL = '/dev/tty'
_ESCAPE = b'\x1b'
_READ_BYTES = 64


def open_terminal(path: str = TERMINAL) -> int | None:
    """File descriptor of the controlling terminal, or None where there is none that we may read.

    In the background reading would stop the process (SIGTTIN), so a terminal whose foreground is another job is none.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        if os.tcgetpgrp(descriptor) == os.getpgrp():
            return descriptor
    except OSError:  # it is a terminal, but not the one that controls this process
        pass
    os.close(descriptor)
    return None


@contextlib.contextmanager
def raw_keys(descriptor: int) -> Iterator[None]:
    """Deliver each key at once and unseen; Ctrl-C still interrupts. The old mode is back however the block ends."""
    before = termios.tcgetattr(descriptor)
    try:
        tty.setcbreak(descriptor, termios.TCSANOW)
        yield
    finally:
        # TCSADRAIN could wait for a terminal that hangs; what was typed meanwhile must not reach the shell.
        termios.tcflush(descriptor, termios.TCIFLUSH)
        termios.tcsetattr(descriptor, termios.TCSANOW, before)


def events_in(typed: bytes) -> list[OperatorEvent]:
    """Events of the keys in `typed`; arrow keys and the like (escape sequences) mean nothing."""
    if typed.startswith(_ESCAPE):
        return []
    letters = typed.decode(errors='ignore').lower()
    return [KEYS[letter] for letter in letters if letter in KEYS]


@contextlib.contextmanager
def keyboard(descriptor: int, on_event: Callable[[OperatorEvent], None]) -> Iterator[None]:
    """Call `on_event` from a thread for each key of the terminal `descriptor`, which is closed in the end."""
    wake, stop = os.pipe()
    reader = threading.Thread(
        target=_read, args=(descriptor, wake, on_event), name='keyboard', daemon=True
    )
    try:
        with raw_keys(descriptor):
            reader.start()
            try:
                yield
            finally:
                os.close(stop)
                reader.join()
    finally:
        os.close(wake)
        os.close(descriptor)


def _read(descriptor: int, wake: int, on_event: Callable[[OperatorEvent], None]) -> None:
    while True:
        ready, _, _ = select.select([descriptor, wake], [], [])
        if wake in ready:
            return
        try:
            typed = os.read(descriptor, _READ_BYTES)
        except OSError:  # the terminal was closed
            return
        if not typed:
            return
        for event in events_in(typed):
            on_event(event)
