"""One stack per robot and one clock per ROS domain: two command gates for one robot must never run."""

import fcntl
import json
import os
import tempfile
from collections.abc import Iterable
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from datetime import timezone
from pathlib import Path

from vla_mbpo.errors import VlaMbpoError

MAX_DOMAIN = 232


def domain_id(environ: Mapping[str, str]) -> int:
    """ROS domain of the environment, 0 where none is set.

    Raises:
        VlaMbpoError: ROS_DOMAIN_ID is not a number from 0 to 232.
    """
    text = environ.get('ROS_DOMAIN_ID') or '0'
    if not (text.isascii() and text.isdigit() and int(text) <= MAX_DOMAIN):
        raise VlaMbpoError(f'ROS_DOMAIN_ID: expected 0 to {MAX_DOMAIN}, got {text!r}')
    return int(text)


class DomainLock:
    """Sole use of some names of a ROS domain, from `acquire` until `release` or the end of the process.

    The kernel holds the lock, not the file: a file that stays behind locks nothing and is used again.
    """

    def __init__(self, domain: int, names: Iterable[str]) -> None:
        """`names` are absolute: a robot's namespace, or a topic that only one stack may publish."""
        self._domain = domain
        self._names = tuple(names)
        self._descriptors: list[int] = []

    def acquire(self) -> None:
        """Take the lock without waiting, for all names or for none.

        Raises:
            VlaMbpoError: another stack holds it; says which process, and since when.
        """
        try:
            for name in self._names:
                self._descriptors.append(_acquire(self._domain, name))
        except VlaMbpoError:
            self.release()
            raise

    def release(self) -> None:
        """Give the lock back; harmless when it is not held."""
        while self._descriptors:
            os.close(self._descriptors.pop())


def _acquire(domain: int, name: str) -> int:
    label = name.strip('/').replace('/', '.')
    path = Path(tempfile.gettempdir()) / f'vla-mbpo-domain-{domain}-{label}.lock'
    descriptor = _open(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = _holder(descriptor)
        os.close(descriptor)
        raise VlaMbpoError(
            f'ROS domain {domain}: {name} is in use by {holder}. '
            'Stop that one, or choose another ROS_DOMAIN_ID.'
        ) from None
    now = datetime.now(tz=timezone.utc).astimezone().isoformat(sep=' ', timespec='seconds')
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps({'pid': os.getpid(), 'since': now}).encode(), 0)
    return descriptor


def _open(path: Path) -> int:
    # Not O_CREAT at first: in a sticky folder the kernel refuses it for a file of another user.
    for flags in (os.O_RDWR, os.O_RDWR | os.O_CREAT):
        try:
            descriptor = os.open(path, flags, 0o666)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise VlaMbpoError(f'lock file {path} cannot be used: {error.strerror}') from error
        with suppress(PermissionError):
            os.fchmod(descriptor, 0o666)
        return descriptor
    raise VlaMbpoError(f'lock file {path} cannot be created: its folder does not exist')


def _holder(descriptor: int) -> str:
    try:
        found = json.loads(os.pread(descriptor, 4096, 0))
        return f'process {found["pid"]} since {found["since"]}'
    except (ValueError, KeyError):
        return 'another stack'
