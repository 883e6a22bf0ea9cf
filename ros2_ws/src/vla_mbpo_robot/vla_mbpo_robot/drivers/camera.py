"""Protocol of a colour camera."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Frame:
    """One picture: `image` is uint8 [H, W, 3] RGB."""

    image: NDArray[np.uint8]
    capture_ns: int
    """Middle of the exposure on the host's clock (simulated time in the twin)."""
    frame_number: int


class CameraDriver(Protocol):
    """A camera that delivers frames; `start` and `stop` bracket its use."""

    def start(self) -> None:
        """Open the device and begin to stream."""

    def read(self, timeout_s: float) -> Frame | None:
        """The next frame, or None if none came in time."""

    def stop(self) -> None:
        """End the stream and release the device."""
