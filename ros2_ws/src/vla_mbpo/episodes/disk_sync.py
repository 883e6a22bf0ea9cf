"""Brings growing files to the disk once a second, so that a power cut costs no more than that."""

import os
import threading
from collections.abc import Iterable
from pathlib import Path

PERIOD_S = 0.8
"""With the time that a flush takes, what is on the disk is at most a second old."""


class DiskSync:
    """A thread that flushes files again and again; whoever writes them never waits for it."""

    def __init__(self, paths: Iterable[Path], *, period_s: float = PERIOD_S) -> None:
        self._paths = tuple(paths)
        self._period_s = period_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name='flush to disk', daemon=True)
        self._error: OSError | None = None
        self.rounds = 0
        """How often all files have been flushed."""

    def start(self) -> None:
        """Begin; all files exist."""
        self._thread.start()

    def check(self) -> None:
        """Report trouble.

        Raises:
            OSError: what stopped it: the disk failed, or a file was removed.
        """
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        """End the thread; twice does no harm."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        try:
            while not self._stop.wait(self._period_s):
                self._flush()
        except OSError as error:
            self._error = error

    def _flush(self) -> None:
        for path in self._paths:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fdatasync(descriptor)
            finally:
                os.close(descriptor)
        self.rounds += 1
