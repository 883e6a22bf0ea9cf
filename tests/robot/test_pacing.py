"""Simulated time is scheduled without drift and never bursts."""

import pytest

from vla_mbpo_robot.pacing import CommandLead
from vla_mbpo_robot.pacing import Pacer
from vla_mbpo_robot.pacing import Periodic
from vla_mbpo_robot.pacing import SpeedMeter
from vla_mbpo_robot.pacing import next_events


def test_the_next_event_is_strictly_later() -> None:
    event = Periodic(name='tick', period_ns=10)
    assert event.next_after(0) == 10
    assert event.next_after(9) == 10
    assert event.next_after(10) == 20


def test_a_phase_shifts_every_occurrence() -> None:
    event = Periodic(name='frame', period_ns=10, phase_ns=3)
    assert [event.next_after(t) for t in (0, 2, 3, 13)] == [3, 3, 13, 23]


def test_events_of_the_same_moment_come_together() -> None:
    events = (Periodic(name='a', period_ns=10), Periodic(name='b', period_ns=15))
    assert next_events(events, 0) == (10, ('a',))
    assert next_events(events, 10) == (15, ('b',))
    assert next_events(events, 20) == (30, ('a', 'b'))


def test_time_runs_at_the_speed_factor() -> None:
    pacer = Pacer(2.0)
    assert pacer.target_s(100.0, 5.0) == pytest.approx(5.0)
    assert pacer.target_s(100.01, 5.0) == pytest.approx(5.02)


def test_lost_time_is_forgotten_instead_of_caught_up() -> None:
    pacer = Pacer(1.0, max_lag_s=0.05)
    pacer.target_s(0.0, 0.0)
    assert pacer.target_s(3.0, 0.0) == pytest.approx(0.05)
    assert pacer.target_s(3.01, 0.05) == pytest.approx(0.06)


def test_time_waits_for_a_commander_that_falls_behind() -> None:
    lead = CommandLead(lead_s=0.03, patience_s=0.25)
    lead.seen(1_000_000_000, 5.0)
    assert lead.limit(1_020_000_000, 5.1) == 1_020_000_000
    assert lead.limit(1_500_000_000, 5.1) == 1_030_000_000


def test_time_is_free_where_nobody_commands() -> None:
    lead = CommandLead(lead_s=0.03, patience_s=0.25)
    assert lead.limit(1_500_000_000, 5.0) == 1_500_000_000
    lead.seen(1_000_000_000, 5.0)
    assert lead.limit(1_500_000_000, 5.3) == 1_500_000_000


def test_the_speed_meter_divides_simulated_by_wall_time() -> None:
    meter = SpeedMeter(window_s=1.0)
    assert meter.factor(10.0, 0.0) == 0.0
    assert meter.factor(10.5, 0.25) == pytest.approx(0.5)
    assert meter.factor(11.2, 0.95) == pytest.approx(1.0)
