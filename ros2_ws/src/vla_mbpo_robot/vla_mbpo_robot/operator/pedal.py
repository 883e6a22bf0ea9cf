"""Foot pedals and other small keypads through evdev, which works without X and without focus."""

import contextlib
import importlib
import os
import select
import threading
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any
from typing import Protocol

from vla_mbpo.errors import ConfigError
from vla_mbpo.errors import MissingDependencyError
from vla_mbpo.errors import VlaMbpoError
from vla_mbpo_robot.operator.events import OperatorEvent
from vla_mbpo_robot.operator.events import parse_event

PRESSED = 1
"""Value of a key event when the key goes down; 0 is up, 2 a repeat."""


class KeyEvent(Protocol):
    """What evdev reports; of type `EV_KEY` for keys."""

    type: int
    code: int
    value: int


class InputDevice(Protocol):
    """The part of `evdev.InputDevice` that is used."""

    def fileno(self) -> int:
        """Descriptor that becomes readable with the next event."""

    def read(self) -> Iterable[KeyEvent]:
        """Events that have come."""

    def grab(self) -> None:
        """Keep the events from everybody else: a pedal must not type into a terminal."""

    def close(self) -> None:
        """Give the device free."""


def parse_key_map(text: str) -> dict[str, OperatorEvent]:
    """`'KEY_A=toggle KEY_B=success'` by key name.

    Raises:
        ConfigError: a part is not KEY=event.
        UnknownNameError: there is no such event.
    """
    found = {}
    for part in text.split():
        key, separator, word = part.partition('=')
        if not separator or not key.startswith('KEY_'):
            raise ConfigError('pedal_keys', [f'{part!r}: expected KEY_<name>=<event>'])
        found[key] = parse_event(word, where=f'pedal_keys {part!r}')
    return found


@contextlib.contextmanager
def pedal(device: str, keys: str, on_event: Callable[[OperatorEvent], None]) -> Iterator[None]:
    """Call `on_event` from a thread for each mapped key of `device` (a name, or a path) until the block ends.

    Raises:
        MissingDependencyError: the evdev package is not installed.
        VlaMbpoError: no such device, or it may not be read; lists those that exist.
    """
    evdev = _evdev()
    codes = {evdev.ecodes.ecodes.get(key): event for key, event in parse_key_map(keys).items()}
    if None in codes:
        raise ConfigError('pedal_keys', [f'{keys!r}: a key name that Linux does not know'])
    opened = find_device(evdev, device)
    with reading(opened, codes, evdev.ecodes.EV_KEY, on_event):
        yield


@contextlib.contextmanager
def reading(
    device: InputDevice,
    codes: Mapping[int, OperatorEvent],
    key_type: int,
    on_event: Callable[[OperatorEvent], None],
) -> Iterator[None]:
    """Call `on_event` from a thread for each press of a key in `codes`; the device is then ours alone."""
    device.grab()
    wake, stop = os.pipe()
    reader = threading.Thread(
        target=_read, args=(device, codes, key_type, wake, on_event), name='pedal', daemon=True
    )
    reader.start()
    try:
        yield
    finally:
        os.close(stop)
        reader.join()
        os.close(wake)
        device.close()


def find_device(evdev: Any, wanted: str) -> InputDevice:  # noqa: ANN401  optional module without types
    """The input device with path or name `wanted`.

    Raises:
        VlaMbpoError: there is none that this user may read; lists what there is.
    """
    found = {}
    for path in evdev.list_devices():
        device = evdev.InputDevice(path)
        if wanted in {path, device.name}:
            opened: InputDevice = device
            return opened
        found[path] = device.name
        device.close()
    listing = ', '.join(f'{name!r} ({path})' for path, name in found.items()) or 'none'
    raise VlaMbpoError(
        f'pedal {wanted!r} not found; input devices that this user may read: {listing}. '
        'Reading them needs membership in the group `input`'
    )


def _read(
    device: InputDevice,
    codes: Mapping[int, OperatorEvent],
    key_type: int,
    wake: int,
    on_event: Callable[[OperatorEvent], None],
) -> None:
    while True:
        ready, _, _ = select.select([device.fileno(), wake], [], [])
        if wake in ready:
            return
        try:
            pressed = list(device.read())
        except OSError:  # unplugged; the other inputs still work
            return
        for event in pressed:
            if event.type == key_type and event.value == PRESSED and event.code in codes:
                on_event(codes[event.code])


def _evdev() -> Any:  # noqa: ANN401  optional module without types
    try:
        return importlib.import_module('evdev')
    except ImportError as error:
        raise MissingDependencyError(
            'Python package evdev',
            needed_for='a pedal',
            remedy='Run `pip install evdev` (Debian: python3-evdev), or leave `pedal` empty.',
        ) from error
