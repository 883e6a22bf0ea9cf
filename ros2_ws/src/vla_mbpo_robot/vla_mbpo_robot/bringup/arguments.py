"""Options dataclasses as the `name:=value` arguments of launch files and of `vla-mbpo up`."""

import dataclasses
import typing
from collections.abc import Iterable
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from vla_mbpo.config import field_setting
from vla_mbpo.config import from_mapping
from vla_mbpo.errors import ConfigError
from vla_mbpo.errors import UnknownNameError
from vla_mbpo.errors import VlaMbpoError
from vla_mbpo.robots import load_robot
from vla_mbpo.robots import robot_names
from vla_mbpo.tasks import task_names

T = TypeVar('T')
_BOOLEANS = {'true': True, 'false': False}
_MAX_WHOLE = 2**31 - 1
"""Far below what ROS carries (64 bits), so that counting on from it cannot overflow."""


@dataclass(frozen=True, kw_only=True)
class Argument:
    """One argument, as text: launch files know nothing else."""

    name: str
    description: str
    default: str | None
    """None where the operator must give it."""
    choices: tuple[str, ...]
    """Empty where any text is accepted."""


def arguments_of(options: type) -> tuple[Argument, ...]:
    """The arguments that fill dataclass `options`, required ones first, else in field order."""
    assert dataclasses.is_dataclass(options)
    hints = typing.get_type_hints(options)
    found = [
        Argument(
            name=field.name,
            description=field_setting(options, field.name).description or '',
            default=None if field.default is dataclasses.MISSING else _text(field.default),
            choices=_choices(field.name, hints[field.name]),
        )
        for field in dataclasses.fields(options)
    ]
    return tuple(sorted(found, key=lambda argument: argument.default is not None))


def split_arguments(words: Iterable[str]) -> dict[str, str]:
    """`['robot:=arx_x5']` to `{'robot': 'arx_x5'}`.

    Raises:
        VlaMbpoError: a word is not of the form name:=value, or a name is given twice.
    """
    values: dict[str, str] = {}
    for word in words:
        name, separator, value = word.partition(':=')
        if not separator or not name:
            raise VlaMbpoError(f'argument {word!r}: expected name:=value')
        if name in values:
            raise VlaMbpoError(f'argument {name!r} is given twice: {values[name]!r} and {value!r}')
        values[name] = value
    return values


def options_from(options: type[T], values: Mapping[str, str]) -> T:
    """Options from argument texts.

    Raises:
        UnknownNameError: no such argument, or a value outside its choices.
        ConfigError: an argument is missing, is not of its type, or is out of range.
    """
    arguments = {argument.name: argument for argument in arguments_of(options)}
    for name, value in values.items():
        if name not in arguments:
            raise UnknownNameError('argument', name, known=arguments)
        choices = arguments[name].choices
        if choices and value not in choices:
            raise UnknownNameError(name, value, known=choices)
    hints = typing.get_type_hints(options)
    typed = {name: _value(name, text, hints[name]) for name, text in values.items()}
    return from_mapping(options, typed, source='arguments')


def _choices(name: str, hint: object) -> tuple[str, ...]:
    if name == 'robot':
        aliases = [alias for robot in robot_names() for alias in load_robot(robot).file.aliases]
        return (*robot_names(), *aliases)
    if name == 'task':
        return task_names()
    if hint is bool:
        return tuple(_BOOLEANS)
    if typing.get_origin(hint) is typing.Literal:
        return typing.get_args(hint)
    return ()


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _value(name: str, text: str, hint: object) -> bool | int | float | str:
    if hint is bool:
        return _BOOLEANS[text]
    if hint is int or hint is float:
        try:
            number = int(text) if hint is int else float(text)
        except ValueError:
            kind = 'a whole number' if hint is int else 'a number'
            raise ConfigError('arguments', [f'{name}: expected {kind}, got {text!r}']) from None
        if hint is int and number > _MAX_WHOLE:
            raise ConfigError('arguments', [f'{name}: expected at most {_MAX_WHOLE}, got {text}'])
        return number
    return text
