"""Definitions of message types as text, as recordings carry them so that any tool can decode them."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from vla_mbpo.errors import VlaMbpoError

_SEPARATOR = '=' * 80
_BUILT_IN = {
    *('bool', 'byte', 'char', 'float32', 'float64', 'string', 'wstring'),
    *(f'{sign}int{bits}' for sign in ('', 'u') for bits in (8, 16, 32, 64)),
}


def definition(type_name: str) -> str:
    """Text of message type 'package/msg/Name', followed by those of all types that it holds.

    Raises:
        VlaMbpoError: the .msg file of a type is not installed; names the places that were searched.
    """
    texts = {type_name: message_text(type_name)}
    waiting = list(texts)
    while waiting:
        name = waiting.pop(0)
        for held in _held_types(texts[name], package=name.partition('/')[0]):
            if held not in texts:
                texts[held] = message_text(held)
                waiting.append(held)
    first, *others = texts.items()
    parts = [first[1]]
    for name, text in others:
        package, _, message = name.split('/')
        parts.append(f'{_SEPARATOR}\nMSG: {package}/{message}\n{text}')
    return '\n'.join(parts)


def message_text(type_name: str) -> str:
    """The .msg file of one type.

    Raises:
        VlaMbpoError: it is not installed.
    """
    package, _, message = type_name.split('/')
    prefixes = [*os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep), sys.prefix]
    files = [
        Path(prefix) / 'share' / package / 'msg' / f'{message}.msg' for prefix in prefixes if prefix
    ]
    for file in files:
        if file.is_file():
            return file.read_text(encoding='utf-8')
    searched = ', '.join(map(str, files))
    raise VlaMbpoError(f'definition of {type_name} not found; searched: {searched}')


def _held_types(text: str, *, package: str) -> Iterator[str]:
    """Full names of the message types of a definition's fields."""
    for line in text.splitlines():
        words = line.partition('#')[0].split()
        if not words:
            continue
        base = words[0].partition('[')[0].partition('<')[0]
        if base not in _BUILT_IN:
            owner, _, message = base.rpartition('/')
            yield f'{owner.removesuffix("/msg") or package}/msg/{message}'
