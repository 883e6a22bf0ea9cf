"""Verdict on a recorded episode, from its flags and stamps."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vla_mbpo.episodes.clock import NS_PER_S
from vla_mbpo.episodes.schema import Flag
from vla_mbpo.episodes.schema import Verdict

GOOD_FLAGGED_SHARE = 0.01
USABLE_FLAGGED_SHARE = 0.10
NS_PER_MS = 1e6


@dataclass(frozen=True, kw_only=True)
class Quality:
    """How well an episode was recorded; says nothing of whether the task was done."""

    flagged_rows: int
    skew_p50_ms: float
    """Median over rows of the largest distance of any camera from the tick."""
    skew_p95_ms: float
    max_skew_ms: float
    rate_hz: float
    """Rows per second by the capture stamps; 0 for a single row."""
    verdict: Verdict
    reasons: str
    """Why the verdict is not `good`; empty if it is."""


def judge(*, flags: NDArray[Any], skew_ns: NDArray[Any], tick_ns: NDArray[Any]) -> Quality:
    """Quality of an episode with `flags` [N], `skew_ns` [N, camera] and `tick_ns` [N].

    At most 1 % of rows flagged is good, at most 10 % usable, more is bad.
    """
    flagged = int(np.count_nonzero(flags))
    share = flagged / len(flags)
    verdict: Verdict = 'bad'
    if share <= USABLE_FLAGGED_SHARE:
        verdict = 'good' if share <= GOOD_FLAGGED_SHARE else 'usable'
    worst_ms = np.abs(skew_ns).max(axis=1) / NS_PER_MS
    span_s = (int(tick_ns[-1]) - int(tick_ns[0])) / NS_PER_S
    return Quality(
        flagged_rows=flagged,
        skew_p50_ms=float(np.quantile(worst_ms, 0.5)),
        skew_p95_ms=float(np.quantile(worst_ms, 0.95)),
        max_skew_ms=float(worst_ms.max()),
        rate_hz=(len(tick_ns) - 1) / span_s if span_s > 0 else 0.0,
        verdict=verdict,
        reasons='' if verdict == 'good' else '; '.join(_reasons(flags)),
    )


def _reasons(flags: NDArray[Any]) -> list[str]:
    counts = {flag.name: int(np.count_nonzero(flags & flag)) for flag in Flag if flag}
    return [f'{name} in {count} of {len(flags)} rows' for name, count in counts.items() if count]
