"""Backends by name. A backend's module is imported only when it is asked for."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from vla_mbpo.errors import UnknownNameError

ROBOT_DRIVERS: Mapping[str, str] = {}
"""Hardware backends of `robot_driver`: name -> 'module:Class'. The twin hosts its own driver."""
CAMERA_DRIVERS: Mapping[str, str] = {}
"""Hardware backends of `camera`."""
TELEOPERATORS: Mapping[str, str] = {
    'scripted': 'vla_mbpo_robot.drivers.scripted:ScriptedTeleoperator',
}
"""Leader devices of `teleop`."""


def find(kind: str, table: Mapping[str, str], name: str) -> Any:  # noqa: ANN401  a class of some protocol
    """Class of backend `name`.

    Raises:
        UnknownNameError: lists the backends that exist.
    """
    if name not in table:
        raise UnknownNameError(kind, name, known=table)
    module, _, attribute = table[name].partition(':')
    return getattr(import_module(module), attribute)
