"""One episode of the twin as arrays."""

from dataclasses import dataclass
from dataclasses import field

import numpy as np
from numpy.typing import NDArray

from vla_mbpo.episodes.schema import Image
from vla_mbpo.episodes.schema import Vector
from vla_mbpo_sim.twin import Twin


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """Which cameras to draw at each row, and how large."""

    cameras: tuple[str, ...]
    size: tuple[int, int] | None = None
    """(width, height) in pixels; None is the twin's own size."""


NO_PICTURES = Pictures(cameras=())


@dataclass(frozen=True, kw_only=True, eq=False)
class Trajectory:
    """Rows of one episode at the record rate of the robot."""

    time_ns: NDArray[np.int64]
    """[T], since the start of the episode."""
    states: Vector
    """[T, S], measured at the row."""
    actions: Vector
    """[T, A], what had been sent by the end of the row's period."""
    success: NDArray[np.bool_]
    """[T], whether the task was done at the row."""
    images: dict[str, Image] = field(default_factory=dict)
    """uint8 [T, H, W, 3] by camera."""
    snapshots: Vector | None = None
    """[T, N], see `Twin.snapshot`."""

    @property
    def succeeded(self) -> bool:
        """True if the task was done at the end."""
        return bool(self.success[-1])


class Rows:
    """Collects the rows of one episode of `twin`."""

    def __init__(self, twin: Twin, pictures: Pictures, *, snapshots: bool) -> None:
        self._twin = twin
        self._pictures = pictures
        self._with_snapshots = snapshots
        self._time_s: list[float] = []
        self._states: list[Vector] = []
        self._actions: list[Vector] = []
        self._success: list[bool] = []
        self._images: dict[str, list[Image]] = {camera: [] for camera in pictures.cameras}
        self._snapshots: list[Vector] = []

    def begin(self, time_s: float) -> None:
        """Take what is measured and seen at the start of a row."""
        twin = self._twin
        self._time_s.append(time_s)
        self._states.append(twin.state())
        self._success.append(twin.success())
        for camera, images in self._images.items():
            images.append(twin.render(camera, self._pictures.size))
        if self._with_snapshots:
            self._snapshots.append(twin.snapshot())

    def end(self) -> None:
        """Take what had been sent by the end of the row."""
        self._actions.append(self._twin.commanded())

    def success_s(self) -> float:
        """For how long the task has been done without a break."""
        failed = [time for time, done in zip(self._time_s, self._success, strict=True) if not done]
        return self._time_s[-1] - failed[-1] if failed else self._time_s[-1]

    def trajectory(self) -> Trajectory:
        """All rows that were ended."""
        count = len(self._actions)
        return Trajectory(
            time_ns=np.rint(np.array(self._time_s[:count]) * 1e9).astype(np.int64),
            states=np.array(self._states[:count]),
            actions=np.array(self._actions),
            success=np.array(self._success[:count]),
            images={camera: np.stack(images[:count]) for camera, images in self._images.items()},
            snapshots=np.array(self._snapshots[:count]) if self._with_snapshots else None,
        )
