"""Exact statistics of columns that grow by an episode at a time, without looking at the older rows again."""

import numpy as np
from numpy.typing import NDArray

from vla_mbpo.episodes.statistics import QUANTILES
from vla_mbpo.episodes.statistics import Statistics


class RunningStatistics:
    """All values of a column [N] or [N, D], sorted per number, and their moments.

    Taking in n rows costs n log n and one copy of the N values, 4 bytes each. The result is that of
    `column_statistics` over all rows, to the last digits of a float64.
    """

    def __init__(self) -> None:
        self._sorted: list[NDArray[np.generic]] = []
        self._count = 0
        self._mean: NDArray[np.float64] = np.zeros(0)
        self._squares: NDArray[np.float64] = np.zeros(0)

    def add(self, *parts: NDArray[np.generic]) -> None:
        """Take in the rows of further episodes, each [n] or [n, D]; many at once cost one sorting."""
        rows = [part.reshape(len(part), -1) for part in parts]
        for part in rows:
            self._add_moments(part.astype(np.float64))
        ordered = np.sort(np.concatenate(rows), axis=0)
        if not self._sorted:
            self._sorted = [np.ascontiguousarray(column) for column in ordered.T]
        else:
            pairs = zip(self._sorted, ordered.T, strict=True)
            self._sorted = [_merged(old, new) for old, new in pairs]

    def statistics(self) -> Statistics:
        """Statistics of all rows so far, of which there is at least one."""
        return {
            'min': [float(column[0]) for column in self._sorted],
            'max': [float(column[-1]) for column in self._sorted],
            'mean': self._mean.tolist(),
            'std': np.sqrt(self._squares / self._count).tolist(),
            'count': [self._count],
            **{
                name: [_quantile(column, q) for column in self._sorted]
                for name, q in QUANTILES.items()
            },
        }

    def _add_moments(self, rows: NDArray[np.float64]) -> None:
        """Mean and sum of squared deviations of two sets from those of each (Chan et al. 1979)."""
        count, mean = len(rows), rows.mean(axis=0)
        squares = ((rows - mean) ** 2).sum(axis=0)
        if not self._count:
            self._count, self._mean, self._squares = count, mean, squares
            return
        total = self._count + count
        offset = mean - self._mean
        self._mean = self._mean + offset * (count / total)
        self._squares = self._squares + squares + offset**2 * (self._count * count / total)
        self._count = total


def _merged(old: NDArray[np.generic], new: NDArray[np.generic]) -> NDArray[np.generic]:
    """Two sorted arrays as one."""
    places = np.searchsorted(old, new) + np.arange(len(new))
    result = np.empty(len(old) + len(new), dtype=old.dtype)
    is_old = np.ones(len(result), dtype=bool)
    is_old[places] = False
    result[places] = new
    result[is_old] = old
    return result


def _quantile(ordered: NDArray[np.generic], q: float) -> float:
    """`numpy.quantile` of sorted values: linear between the two around q."""
    position = q * (len(ordered) - 1)
    below = int(position)
    above = min(below + 1, len(ordered) - 1)
    low, high = float(ordered[below]), float(ordered[above])
    return low + (position - below) * (high - low)
