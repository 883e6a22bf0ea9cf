"""Protocol of a colour camera."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vla_mbpo.episodes.schema import ClockDomain


@dataclass(frozen=True, kw_only=True, eq=False)
class Frame:
    """One picture: `image` is uint8 [H, W, 3] RGB."""

    image: NDArray[np.uint8]
    capture_ns: int
    """Middle of the exposure on the host's clock (simulated time in the twin)."""
    frame_number: int
    """The device's own count; a picture that it delivers twice keeps its number."""
    domain: ClockDomain = ClockDomain.UNKNOWN
    """Where `capture_ns` comes from."""
    exposure_s: float = 0.0
    """0 if not known."""


class CameraDriver(Protocol):
    """A camera that delivers frames; `start` and `stop` bracket its use."""

    @property
    def serial(self) -> str:
        """Serial number of the device, known after `start`; empty if it has none."""

    def start(self) -> None:
        """Open the device and begin to stream."""

    def read(self, timeout_s: float) -> Frame | None:
        """The next frame, or None if none came in time."""

    def stop(self) -> None:
        """End the stream and release the device."""
