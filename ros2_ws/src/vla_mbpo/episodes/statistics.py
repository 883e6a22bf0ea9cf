"""Statistics of columns and pictures, with exact quantiles.

LeRobot's whole-set quantiles are means of per-episode quantiles and can put most values outside; here they are those of
all values, as `numpy.quantile` gives them. Stamps (`time.*`) have no statistics: they are identities, not quantities.
"""

from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vla_mbpo.episodes.schema import Image

QUANTILES = {'q01': 0.01, 'q10': 0.10, 'q50': 0.50, 'q90': 0.90, 'q99': 0.99}
PIXEL_STRIDE = 16
"""Every 16th pixel of every 16th line of every stored frame is counted."""
LEVELS = 256
CHANNELS = 3

Statistics = dict[str, list[Any]]
"""Lists by 'min', 'max', 'mean', 'std', 'count' and the quantiles; for pictures nested as [3, 1, 1]."""


def column_statistics(values: NDArray[Any]) -> Statistics:
    """Statistics of a column [N] or [N, D] over its rows, each a list of D numbers."""
    exact = values.astype(np.float64).reshape(len(values), -1)
    quantiles = np.quantile(exact, list(QUANTILES.values()), axis=0)
    return {
        'min': exact.min(axis=0).tolist(),
        'max': exact.max(axis=0).tolist(),
        'mean': exact.mean(axis=0).tolist(),
        'std': exact.std(axis=0).tolist(),
        'count': [len(exact)],
        **{name: row.tolist() for name, row in zip(QUANTILES, quantiles, strict=True)},
    }


def table_statistics(columns: Mapping[str, NDArray[Any]]) -> dict[str, Statistics]:
    """`column_statistics` by column name."""
    return {key: column_statistics(values) for key, values in columns.items()}


class PixelHistogram:
    """Counts of the 256 levels of each channel over the pixels of a grid; sums exactly over episodes."""

    def __init__(self) -> None:
        self.counts: NDArray[np.int64] = np.zeros((CHANNELS, LEVELS), dtype=np.int64)
        self.frames = 0

    @classmethod
    def summed(cls, parts: Iterable['PixelHistogram']) -> 'PixelHistogram':
        """The histogram of all pictures of all parts."""
        total = cls()
        for part in parts:
            total.counts += part.counts
            total.frames += part.frames
        return total

    @classmethod
    def from_list(cls, counts: list[int], frames: int) -> 'PixelHistogram':
        """Inverse of `to_list`."""
        histogram = cls()
        histogram.counts = np.array(counts, dtype=np.int64).reshape(CHANNELS, LEVELS)
        histogram.frames = frames
        return histogram

    def to_list(self) -> list[int]:
        """The counts, channel after channel."""
        counts: list[int] = self.counts.ravel().tolist()
        return counts

    def add(self, image: Image) -> None:
        """Count the grid pixels of a picture, uint8 [H, W, 3]."""
        pixels = image[PIXEL_STRIDE // 2 :: PIXEL_STRIDE, PIXEL_STRIDE // 2 :: PIXEL_STRIDE]
        for channel in range(CHANNELS):
            self.counts[channel] += np.bincount(pixels[..., channel].ravel(), minlength=LEVELS)
        self.frames += 1

    def statistics(self) -> Statistics:
        """Statistics per channel, levels scaled to [0, 1], nested as [3, 1, 1]; count is frames."""
        rows = [self._channel(channel) for channel in range(CHANNELS)]
        result: Statistics = {name: [[[row[name]]] for row in rows] for name in rows[0]}
        result['count'] = [self.frames]
        return result

    def _channel(self, channel: int) -> dict[str, float]:
        counts = self.counts[channel]
        levels = np.arange(LEVELS) / (LEVELS - 1)
        seen = levels[counts > 0]
        mean = float(np.average(levels, weights=counts))
        return {
            'min': float(seen[0]),
            'max': float(seen[-1]),
            'mean': mean,
            'std': float(np.sqrt(np.average((levels - mean) ** 2, weights=counts))),
            **{name: _quantile(counts, levels, q) for name, q in QUANTILES.items()},
        }


def _quantile(counts: NDArray[np.int64], levels: NDArray[np.float64], q: float) -> float:
    """`numpy.quantile` of the counted values: linear between the two order statistics around q."""
    last_of_level = np.cumsum(counts) - 1
    position = q * last_of_level[-1]
    below, share = int(position), position - int(position)
    above = min(below + 1, int(last_of_level[-1]))
    low, high = levels[np.searchsorted(last_of_level, [below, above])]
    return float(low + share * (high - low))
