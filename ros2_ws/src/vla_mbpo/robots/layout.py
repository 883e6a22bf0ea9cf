"""Action and state layouts: which number of a vector means what, derived from the robot description."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vla_mbpo.errors import ShapeError
from vla_mbpo.errors import UnknownNameError

Mode = Literal['position', 'velocity']
Vector = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Dim:
    """One number of an action or state vector, in SI units."""

    name: str
    group: str
    unit: Literal['rad', 'm', 'rad/s', 'm/s']
    mode: Mode
    lower: float
    """Least commanded value, in `unit`."""
    upper: float
    max_rate: float
    """Greatest change per second while operating, in `unit`/s."""
    max_rate_change: float
    """Greatest change of that rate, in `unit`/s^2."""
    home: float
    """Value in the home pose (0 for velocities)."""


@dataclass(frozen=True)
class Layout:
    """Ordered dims of a vector of shape [width]."""

    dims: tuple[Dim, ...]

    def __iter__(self) -> Iterator[Dim]:
        return iter(self.dims)

    @property
    def width(self) -> int:
        """Number of dims."""
        return len(self.dims)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Dim names in order."""
        return tuple(dim.name for dim in self.dims)

    @cached_property
    def units(self) -> tuple[str, ...]:
        """Units in order."""
        return tuple(dim.unit for dim in self.dims)

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """Group names in order, each once."""
        return tuple(dict.fromkeys(dim.group for dim in self.dims))

    @cached_property
    def lower(self) -> Vector:
        """Lower limits, shape [width]."""
        return _constant([dim.lower for dim in self.dims])

    @cached_property
    def upper(self) -> Vector:
        """Upper limits, shape [width]."""
        return _constant([dim.upper for dim in self.dims])

    @cached_property
    def max_rate(self) -> Vector:
        """Greatest change per second, shape [width]."""
        return _constant([dim.max_rate for dim in self.dims])

    @cached_property
    def home(self) -> Vector:
        """Home pose, shape [width]."""
        return _constant([dim.home for dim in self.dims])

    @cached_property
    def is_velocity(self) -> NDArray[np.bool_]:
        """True where the dim is a velocity, shape [width]."""
        velocity = np.array([dim.mode == 'velocity' for dim in self.dims])
        velocity.flags.writeable = False
        return velocity

    def index(self, name: str) -> int:
        """Position of dim `name`.

        Raises:
            UnknownNameError: lists the dims that exist.
        """
        if name not in self.names:
            raise UnknownNameError('dim', name, known=self.names)
        return self.names.index(name)

    def slice(self, group: str) -> slice:
        """Where `group` lies; groups are contiguous.

        Raises:
            UnknownNameError: lists the groups that exist.
        """
        inside = [i for i, dim in enumerate(self.dims) if dim.group == group]
        if not inside:
            raise UnknownNameError('group', group, known=self.groups)
        return slice(inside[0], inside[-1] + 1)

    def check(self, vector: Vector, name: str) -> Vector:
        """`vector` itself if it has shape [width], else ShapeError."""
        if vector.shape != (self.width,):
            raise ShapeError(name, expected=(self.width,), got=vector.shape)
        return vector


def _constant(values: list[float]) -> Vector:
    """Array that all users of a layout share, so that none may write to it."""
    array = np.array(values, dtype=np.float64)
    array.flags.writeable = False
    return array
