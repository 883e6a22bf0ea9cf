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
MISSING_START_S = 0.5
"""Until the operator moves, a moment passes; longer than this, the start of the motion may be lost."""
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


def judge(
    *,
    flags: NDArray[Any],
    skew_ns: NDArray[Any],
    tick_ns: NDArray[Any],
    missing_start_s: float = 0.0,
) -> Quality:
    """Quality of an episode with `flags` [N], `skew_ns` [N, camera] and `tick_ns` [N].

    At most 1 % of rows flagged is good, at most 10 % usable, more is bad; so is an episode whose first
    `missing_start_s` seconds went by without one of the streams, if that is more than half a second.
    """
    flagged = int(np.count_nonzero(flags))
    reasons = _reasons(flags)
    if missing_start_s > MISSING_START_S:
        reasons.append(f'the first {missing_start_s:.1f} s are missing')
    verdict = _verdict(flagged / len(flags), missing_start_s)
    worst_ms = np.abs(skew_ns).max(axis=1) / NS_PER_MS
    span_s = (int(tick_ns[-1]) - int(tick_ns[0])) / NS_PER_S
    return Quality(
        flagged_rows=flagged,
        skew_p50_ms=float(np.quantile(worst_ms, 0.5)),
        skew_p95_ms=float(np.quantile(worst_ms, 0.95)),
        max_skew_ms=float(worst_ms.max()),
        rate_hz=(len(tick_ns) - 1) / span_s if span_s > 0 else 0.0,
        verdict=verdict,
        reasons='' if verdict == 'good' else '; '.join(reasons),
    )


def _verdict(flagged_share: float, missing_start_s: float) -> Verdict:
    if flagged_share > USABLE_FLAGGED_SHARE or missing_start_s > MISSING_START_S:
        return 'bad'
    return 'good' if flagged_share <= GOOD_FLAGGED_SHARE else 'usable'


def _reasons(flags: NDArray[Any]) -> list[str]:
    counts = {flag.name: int(np.count_nonzero(flags & flag)) for flag in Flag if flag}
    return [f'{name} in {count} of {len(flags)} rows' for name, count in counts.items() if count]
