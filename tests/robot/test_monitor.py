"""The rate monitor tells rate, age and gaps of a stream."""

import pytest

from vla_mbpo_robot.monitor import RateMonitor


def test_a_steady_stream_has_its_rate() -> None:
    monitor = RateMonitor()
    for i in range(31):
        monitor.seen(i / 30)
    assert monitor.rate_hz(1.0) == pytest.approx(30.0)
    assert monitor.total == 31


def test_a_stream_that_stopped_loses_its_rate_with_time() -> None:
    monitor = RateMonitor(window_s=1.0)
    for i in range(11):
        monitor.seen(i / 10)
    assert monitor.rate_hz(1.5) < 7.0
    assert monitor.rate_hz(5.0) == 0.0
    assert monitor.age_s(5.0) == pytest.approx(4.0)


def test_a_stream_that_never_spoke_is_infinitely_old() -> None:
    monitor = RateMonitor()
    assert monitor.age_s(0.0) == float('inf')
    assert monitor.rate_hz(0.0) == 0.0


def test_the_longest_gap_is_remembered_within_the_window() -> None:
    monitor = RateMonitor(window_s=1.0)
    for t in (0.0, 0.1, 0.5, 0.6):
        monitor.seen(t)
    assert monitor.longest_gap_s() == pytest.approx(0.4)
