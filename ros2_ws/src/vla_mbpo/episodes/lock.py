"""One writer per dataset folder."""

import fcntl
import os
from pathlib import Path

from vla_mbpo.errors import DatasetError


class FolderLock:
    """An advisory lock that ends with the process, however it ends."""

    def __init__(self, root: Path, path: Path) -> None:
        self._root = root
        self._path = path
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            DatasetError: another process, which it names, is writing to the folder.
        """
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.read(descriptor, 32).decode(errors='replace').strip()
            os.close(descriptor)
            problem = f'is being written to by process {holder or "(unknown)"}; stop that one first'
            raise DatasetError(self._root, problem) from error
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f'{os.getpid()}\n'.encode())
        self._descriptor = descriptor

    def release(self) -> None:
        """Give the lock back; twice does no harm."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
