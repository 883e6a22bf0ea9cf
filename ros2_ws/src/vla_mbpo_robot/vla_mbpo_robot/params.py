"""ROS parameters from settings dataclasses: declared with help, unit and range, read once, validated strictly."""

import dataclasses
from typing import Any
from typing import TypeVar

from rcl_interfaces.msg import FloatingPointRange
from rcl_interfaces.msg import IntegerRange
from rcl_interfaces.msg import ParameterDescriptor
from rclpy.exceptions import ParameterException
from rclpy.node import Node

from vla_mbpo.config import field_range
from vla_mbpo.config import field_setting
from vla_mbpo.config import from_mapping
from vla_mbpo.errors import ConfigError

T = TypeVar('T')


def declare(node: Node, cls: type[T]) -> T:
    """Declare every field of `cls` as a read-only parameter of `node` and return the values.

    Raises:
        ConfigError: a value of the wrong type or out of range; names node, parameter and what was expected.
    """
    where = f'parameters of node {node.get_name()}'
    values: dict[str, Any] = {}
    for field in dataclasses.fields(cls):  # type: ignore[arg-type]
        descriptor = _descriptor(cls, field.name, type(field.default))
        try:
            values[field.name] = node.declare_parameter(field.name, field.default, descriptor).value
        except ParameterException as error:
            raise ConfigError(where, [' '.join(str(error).split())]) from error
    return from_mapping(cls, values, source=where)


def _descriptor(cls: type, name: str, kind: type) -> ParameterDescriptor:
    setting = field_setting(cls, name)
    extra = setting.json_schema_extra
    unit = extra.get('unit') if isinstance(extra, dict) else ''
    help_text = f'{setting.description or name} [{unit}]' if unit else setting.description or name
    descriptor = ParameterDescriptor(description=help_text, read_only=True)
    # ROS ranges include their ends; whether ours do is checked when the values are read.
    lowest, highest = field_range(cls, name)
    if lowest is None or highest is None:
        return descriptor
    if kind is float:
        descriptor.floating_point_range = [
            FloatingPointRange(from_value=float(lowest), to_value=float(highest))
        ]
    elif kind is int:
        descriptor.integer_range = [IntegerRange(from_value=int(lowest), to_value=int(highest))]
    return descriptor
