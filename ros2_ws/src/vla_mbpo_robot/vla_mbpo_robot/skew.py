"""How far cameras are apart before anything is recorded. Pure."""

from collections import deque
from collections.abc import Sequence

KEPT_STAMPS = 8


class SkewMonitor:
    """Keeps the newest capture stamps of every camera; the first camera is the reference."""

    def __init__(self, cameras: Sequence[str]) -> None:
        self._stamps_ns: dict[str, deque[int]] = {
            camera: deque(maxlen=KEPT_STAMPS) for camera in cameras
        }
        self._reference = cameras[0]

    def seen(self, camera: str, capture_ns: int) -> None:
        """Take in the capture stamp of a frame."""
        self._stamps_ns[camera].append(capture_ns)

    def skew_ns(self, camera: str) -> int:
        """Distance of the reference's frame before the newest to the nearest one of `camera`; 0 while unknown.

        The frame before the newest, because its partner has had the time to arrive.
        """
        reference, own = self._stamps_ns[self._reference], self._stamps_ns[camera]
        if len(reference) < 2 or not own:  # noqa: PLR2004  newest and the one before
            return 0
        return min((stamp - reference[-2] for stamp in own), key=abs)
