"""Sounds of a session: bell patterns of a terminal, or a command such as `paplay`. No audio library."""

import shlex
import subprocess
import threading
import time
from collections.abc import Callable
from enum import Enum

from vla_mbpo.errors import ConfigError

BELL = '\a'
PLACEHOLDER = '{cue}'


class Cue(str, Enum):
    """What there is to hear."""

    TICK = 'tick'
    """One second of the countdown."""
    START = 'start'
    STOP = 'stop'
    SAVED = 'saved'
    DISCARDED = 'discarded'
    ERROR = 'error'
    """Something was refused or failed; the screen says what."""


_SHORT_S = 0.12
_LONG_S = 0.4
BELLS_S: dict[Cue, tuple[float, ...]] = {
    Cue.TICK: (0.0,),
    Cue.START: (0.0, _SHORT_S),
    Cue.STOP: (0.0, _LONG_S),
    Cue.SAVED: (0.0, _SHORT_S, 2 * _SHORT_S),
    Cue.DISCARDED: (0.0, _LONG_S, _LONG_S + _SHORT_S),
    Cue.ERROR: tuple(_SHORT_S * k for k in range(5)),
}
"""When the bell rings, in seconds after the cue; terminals have one tone, so the rhythm tells them apart."""


class Bell:
    """Rings the patterns by `write`; a new cue waits for the one before."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write
        self._one_at_a_time = threading.Lock()

    def ring(self, cue: Cue) -> threading.Thread:
        """Start a pattern; returns the thread that plays it."""
        player = threading.Thread(target=self._play, args=(cue,), name='bell', daemon=True)
        player.start()
        return player

    def _play(self, cue: Cue) -> None:
        with self._one_at_a_time:
            passed_s = 0.0
            for at_s in BELLS_S[cue]:
                time.sleep(at_s - passed_s)
                passed_s = at_s
                self._write(BELL)


class SoundCommand:
    """Runs a command per cue, for example `paplay sounds/{cue}.oga`; it never holds the session up."""

    def __init__(self, command: str) -> None:
        """`command` is split as a shell would, and run without one.

        Raises:
            ConfigError: it does not say where the name of the cue goes, or its quotes are not closed.
        """
        try:
            self._words = shlex.split(command)
        except ValueError as error:
            raise ConfigError('sound_command', [f'{command!r}: {error}']) from error
        if not any(PLACEHOLDER in word for word in self._words):
            raise ConfigError('sound_command', [f'{command!r}: expected {PLACEHOLDER} in it'])
        self._running: list[subprocess.Popen[bytes]] = []

    def play(self, cue: Cue) -> str:
        """Start the command for `cue`; why it cannot be started, or ''."""
        self._running = [process for process in self._running if process.poll() is None]
        words = [word.replace(PLACEHOLDER, cue.value) for word in self._words]
        try:
            self._running.append(
                subprocess.Popen(  # noqa: S603  the operator's own command
                    words,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            )
        except OSError as error:
            return f'sound_command {words[0]}: {error.strerror}'
        return ''

    def close(self) -> None:
        """End what still plays."""
        for process in self._running:
            process.terminate()
            process.wait()
