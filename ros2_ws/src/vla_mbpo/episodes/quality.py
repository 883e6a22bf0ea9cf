"""Verdict on a recorded episode, from its flags and stamps."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vla_mbpo.episodes.clock import NS_PER_S
from vla_mbpo.episodes.schema import ClockDomain
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
    domains: Mapping[str, NDArray[Any]] | None = None,
    rejected: Mapping[str, int] | None = None,
) -> Quality:
    """Quality of an episode with `flags` [N], `skew_ns` [N, camera] and `tick_ns` [N].

    At most 1 % of rows flagged is good, at most 10 % usable, more is bad; so is an episode whose first
    `missing_start_s` seconds went by without one of the streams, if that is more than half a second.

    Args:
        flags: Bits of `Flag`.
        skew_ns: Distance of each camera's frame from the tick.
        tick_ns: The rows' clock.
        missing_start_s: Time before the first row that should have had rows.
        domains: Clocks [N] of each camera's stamps; with those of a poor one the episode is usable at best.
        rejected: Frames by camera that were left out for their stamps; they count like flagged rows.
    """
    flagged = int(np.count_nonzero(flags))
    reasons = _reasons(flags)
    if missing_start_s > MISSING_START_S:
        reasons.append(f'the first {missing_start_s:.1f} s are missing')
    poor = _poor_domains(domains or {})
    left_out = {camera: count for camera, count in (rejected or {}).items() if count}
    reasons += [
        *(f'{camera}: {count} frames with a wrong stamp' for camera, count in left_out.items()),
        *poor,
    ]
    share = max(flagged, *left_out.values(), 0) / len(flags)
    verdict = _verdict(share, missing_start_s, has_poor_domain=bool(poor))
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


def _verdict(flagged_share: float, missing_start_s: float, *, has_poor_domain: bool) -> Verdict:
    if flagged_share > USABLE_FLAGGED_SHARE or missing_start_s > MISSING_START_S:
        return 'bad'
    return 'usable' if flagged_share > GOOD_FLAGGED_SHARE or has_poor_domain else 'good'


def _poor_domains(domains: Mapping[str, NDArray[Any]]) -> list[str]:
    """In words, per camera, rows whose capture stamps say little of when the picture was taken."""
    found = []
    for camera, values in domains.items():
        for domain in (domain for domain in ClockDomain if domain.is_poor):
            count = int(np.count_nonzero(values == domain))
            if count:
                text = f'{camera}: clock of the stamps is {domain.name} in {count} of {len(values)} rows'
                found.append(text)
    return found


def _reasons(flags: NDArray[Any]) -> list[str]:
    counts = {flag.name: int(np.count_nonzero(flags & flag)) for flag in Flag if flag}
    return [f'{name} in {count} of {len(flags)} rows' for name, count in counts.items() if count]
