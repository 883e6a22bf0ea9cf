import numpy as np
import pytest

from vla_mbpo.episodes.quality import judge
from vla_mbpo.episodes.schema import ClockDomain
from vla_mbpo.episodes.schema import Flag

MS = 1_000_000


@pytest.mark.parametrize(
    ('flagged', 'verdict'), [(0, 'good'), (2, 'good'), (3, 'usable'), (20, 'usable'), (21, 'bad')]
)
def test_the_verdict_follows_the_share_of_flagged_rows(flagged: int, verdict: str) -> None:
    flags = np.zeros(200, dtype=np.int64)
    flags[:flagged] = Flag.STATE_GAP
    quality = judge(flags=flags, skew_ns=np.zeros((200, 2)), tick_ns=np.arange(200) * 100 * MS)
    assert (quality.flagged_rows, quality.verdict) == (flagged, verdict)


def test_the_reasons_count_rows_per_flag() -> None:
    flags = np.array([0, Flag.STATE_GAP, Flag.STATE_GAP | Flag.TICK_GAP, 0])
    quality = judge(flags=flags, skew_ns=np.zeros((4, 1)), tick_ns=np.arange(4))
    assert quality.reasons == 'STATE_GAP in 2 of 4 rows; TICK_GAP in 1 of 4 rows'


def test_skew_is_that_of_the_worst_camera_and_the_rate_that_of_the_stamps() -> None:
    skew = np.array([[0, -4], [3, 1], [0, 2]]) * MS
    quality = judge(flags=np.zeros(3, np.int64), skew_ns=skew, tick_ns=np.array([0, 90, 200]) * MS)
    assert (quality.skew_p50_ms, quality.max_skew_ms) == (3.0, 4.0)
    assert quality.rate_hz == pytest.approx(10.0)


def test_one_row_has_no_rate() -> None:
    quality = judge(flags=np.zeros(1, np.int64), skew_ns=np.zeros((1, 1)), tick_ns=np.zeros(1))
    assert quality.rate_hz == 0.0


@pytest.mark.parametrize(('missing_s', 'verdict'), [(0.4, 'good'), (0.6, 'bad')])
def test_an_episode_without_its_start_is_bad(missing_s: float, verdict: str) -> None:
    clean = np.zeros(4, np.int64)
    quality = judge(
        flags=clean, skew_ns=np.zeros((4, 1)), tick_ns=np.arange(4), missing_start_s=missing_s
    )
    assert quality.verdict == verdict
    assert quality.reasons == ('the first 0.6 s are missing' if verdict == 'bad' else '')


@pytest.mark.parametrize(
    ('domain', 'verdict'),
    [
        (ClockDomain.UNKNOWN, 'usable'),
        (ClockDomain.HOST, 'usable'),
        (ClockDomain.GLOBAL, 'good'),
        (ClockDomain.HARDWARE, 'good'),
        (ClockDomain.SIMULATED, 'good'),
    ],
)
def test_an_episode_with_stamps_of_a_poor_clock_is_usable_at_best_and_says_why(
    domain: ClockDomain, verdict: str
) -> None:
    domains = {'head': np.full(4, ClockDomain.GLOBAL), 'wrist': np.array([2, 2, domain, domain])}
    quality = judge(
        flags=np.zeros(4, np.int64),
        skew_ns=np.zeros((4, 2)),
        tick_ns=np.arange(4),
        domains=domains,
    )
    assert quality.verdict == verdict
    reason = f'wrist: clock of the stamps is {domain.name} in 2 of 4 rows'
    assert quality.reasons == ('' if verdict == 'good' else reason)


@pytest.mark.parametrize(('rejected', 'verdict'), [(2, 'good'), (3, 'usable'), (21, 'bad')])
def test_frames_that_were_left_out_count_like_flagged_rows(rejected: int, verdict: str) -> None:
    quality = judge(
        flags=np.zeros(200, np.int64),
        skew_ns=np.zeros((200, 1)),
        tick_ns=np.arange(200),
        rejected={'head': rejected, 'wrist': 0},
    )
    assert quality.verdict == verdict
    reason = f'head: {rejected} frames with a wrong stamp'
    assert quality.reasons == ('' if verdict == 'good' else reason)
