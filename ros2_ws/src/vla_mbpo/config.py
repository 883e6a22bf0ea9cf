"""YAML files and mappings to frozen dataclasses, strictly.

Frozen keyword-only dataclasses are the only schema. Fields carry their unit, range and help in
`Annotated[float, setting('...', unit='Hz', ge=1)]`; the same metadata feeds ROS parameters and the reference pages.
"""

import dataclasses
import json
import math
import reprlib
import types
import typing
from collections.abc import Hashable
from collections.abc import Iterator
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from typing import TypeVar

import yaml
from pydantic import Field
from pydantic import TypeAdapter
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from vla_mbpo.errors import ConfigError
from vla_mbpo.errors import nearest

T = TypeVar('T')


def setting(
    description: str,
    *,
    unit: str = '',
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
) -> Any:  # noqa: ANN401  pydantic's own Field() is typed Any as well
    """Metadata of one field: help text, unit and range, for use inside `Annotated`."""
    return Field(
        description=description, json_schema_extra={'unit': unit}, ge=ge, gt=gt, le=le, lt=lt
    )


def field_setting(cls: type, name: str) -> FieldInfo:
    """The `setting` of field `name` of dataclass `cls`, or an empty one."""
    hint = typing.get_type_hints(cls, include_extras=True)[name]
    for extra in getattr(hint, '__metadata__', ()):
        if isinstance(extra, FieldInfo):
            return extra
    return FieldInfo()


def field_range(cls: type, name: str) -> tuple[float | None, float | None]:
    """Ends of the range of field `name`, whether they belong to it or not; None where it is open."""
    limits = field_setting(cls, name).metadata
    lower = [getattr(limit, key) for limit in limits for key in ('ge', 'gt') if hasattr(limit, key)]
    upper = [getattr(limit, key) for limit in limits for key in ('le', 'lt') if hasattr(limit, key)]
    return next(iter(lower), None), next(iter(upper), None)


class _UniqueKeyLoader(yaml.SafeLoader):
    """SafeLoader that refuses a key written twice instead of keeping the last one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode) or key_node.value == '<<':
                continue
            if key_node.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f'key {key_node.value!r} is given twice', key_node.start_mark
                )
            seen.add(key_node.value)
        return super().construct_mapping(node, deep)


def read_yaml(path: Path) -> Any:  # noqa: ANN401  YAML holds anything
    """Plain content of a YAML file; ConfigError with line and column if it cannot be read."""
    try:
        return yaml.load(path.read_text(encoding='utf-8'), _UniqueKeyLoader)  # noqa: S506  a SafeLoader
    except OSError as error:
        raise ConfigError(str(path), [f'cannot be read: {error.strerror}']) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(
            str(path), [f'is not valid YAML: {" ".join(str(error).split())}']
        ) from error


def load(cls: type[T], path: Path) -> T:
    """Read `path` as a `cls`; every unknown, missing, mistyped or out-of-range key is reported.

    Raises:
        ConfigError: with file, key path, value and the nearest known key, for all problems at once.
    """
    return from_mapping(cls, read_yaml(path), source=str(path))


def from_mapping(cls: type[T], value: object, *, source: str) -> T:
    """Like `load`, for a value that was already read; `source` names it in errors."""
    unknown = list(_unknown_keys(cls, value, ()))
    if infinite := list(_not_finite(value, ())):
        raise ConfigError(source, [*unknown, *infinite])
    try:
        # JSON mode is what makes pydantic strict about types yet accept a list for a tuple.
        result = TypeAdapter(cls).validate_json(json.dumps(value, allow_nan=False), strict=True)
    except ValidationError as error:
        problems = [_problem(dict(item)) for item in error.errors()]
        raise ConfigError(source, [*unknown, *problems]) from error
    except (TypeError, ValueError) as error:
        raise ConfigError(source, [*unknown, str(error)]) from error
    if unknown:
        raise ConfigError(source, unknown)
    return result


def dump(value: object, path: Path) -> None:
    """Write a dataclass as YAML, complete and in field order."""
    path.write_text(dumps(value), encoding='utf-8')


def dumps(value: object) -> str:
    """YAML text of a dataclass, complete and in field order."""
    plain = TypeAdapter(type(value)).dump_python(value, mode='json')
    # PyYAML's unicode output loses some control characters (U+0085); its escapes lose nothing.
    return yaml.safe_dump(plain, sort_keys=False, allow_unicode=False)


def _problem(error: Mapping[str, Any]) -> str:
    shown = '.'.join(str(part) for part in error['loc']) or '(top level)'
    if error['type'].startswith('missing'):
        return f'{shown}: missing key'
    if error['type'] == 'value_error':  # raised by a dataclass itself, and says what it got
        return f'{shown}: {error["ctx"]["error"]}'
    message = error['msg'][0].lower() + error['msg'][1:]
    return f'{shown}: {message}, got {reprlib.repr(error["input"])}'


def _unknown_keys(hint: Any, value: object, path: tuple[str, ...]) -> Iterator[str]:  # noqa: ANN401
    """A sentence for each key of `value` that no dataclass field takes; pydantic would drop it."""
    hint = _bare(hint)
    if dataclasses.is_dataclass(hint) and isinstance(value, Mapping):
        hints = typing.get_type_hints(hint, include_extras=True)
        for key, item in value.items():
            if key in hints:
                yield from _unknown_keys(hints[key], item, (*path, key))
            else:
                shown = '.'.join((*path, str(key)))
                listing = f'unknown key; known keys: {", ".join(hints)}'
                yield f'{shown}: {listing}.{nearest(str(key), hints)}'
        return
    arguments = [argument for argument in typing.get_args(hint) if argument is not Ellipsis]
    if isinstance(value, Mapping) and arguments:
        for key, item in value.items():
            yield from _unknown_keys(arguments[-1], item, (*path, str(key)))
    elif isinstance(value, list) and arguments:
        for index, item in enumerate(value):
            inner = arguments[min(index, len(arguments) - 1)]
            yield from _unknown_keys(inner, item, (*path, str(index)))


def _not_finite(value: object, path: tuple[str, ...]) -> Iterator[str]:
    """A sentence for each number in `value` that is infinite or not a number."""
    if isinstance(value, float) and not math.isfinite(value):
        yield f'{".".join(path) or "(top level)"}: expected a finite number, got {value}'
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _not_finite(item, (*path, str(key)))
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from _not_finite(item, (*path, str(index)))


def _bare(hint: Any) -> Any:  # noqa: ANN401
    """`Annotated[X, ...]` and `X | None` to X."""
    origin = typing.get_origin(hint)
    if origin is typing.Annotated:
        return _bare(typing.get_args(hint)[0])
    if origin in {typing.Union, types.UnionType}:
        kept = [argument for argument in typing.get_args(hint) if argument is not type(None)]
        return _bare(kept[0])
    return hint
