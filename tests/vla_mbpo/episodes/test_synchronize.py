from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from vla_mbpo.episodes.schema import ClockDomain
from vla_mbpo.episodes.schema import Flag
from vla_mbpo.episodes.schema import Row
from vla_mbpo.episodes.schema import Source
from vla_mbpo.episodes.synchronize import SyncConfig
from vla_mbpo.episodes.synchronize import Synchronizer
from vla_mbpo.errors import ShapeError
from vla_mbpo.errors import UnknownNameError

MS = 1_000_000
CONFIG = SyncConfig(record_rate_hz=10.0, camera_rate_hz=20.0)
"""Rows every 100 ms, frames every 50 ms, so the budget is 25 ms."""


def image_of(capture_ms: float) -> np.ndarray:
    """Tiny picture whose bytes are its capture stamp in ns."""
    stamp = np.array([round(capture_ms * MS)], dtype=np.int64)
    return np.resize(stamp.view(np.uint8), (1, 8, 3))


def stamp_in(image: np.ndarray) -> int:
    return int(np.ascontiguousarray(image.ravel()[:8]).view(np.int64)[0])


def state_at(t_ms: float) -> np.ndarray:
    return np.array([t_ms, -2 * t_ms])


class Rig:
    """A synchroniser with two cameras whose streams are fed in milliseconds."""

    def __init__(self, config: SyncConfig = CONFIG) -> None:
        self.sync = Synchronizer(config, cameras=('head', 'wrist'), state_width=2, action_width=1)

    def frames(self, camera: str, times_ms: list[float], *, delay_ms: int = 7) -> None:
        for t in times_ms:
            capture = round(t * MS)
            self.sync.push_frame(
                camera, image_of(t), capture_ns=capture, receipt_ns=capture + delay_ms * MS
            )

    def described(
        self, camera: str, t_ms: int, number: int, domain: ClockDomain = ClockDomain.GLOBAL
    ) -> None:
        """A frame with its metadata, which come first."""
        self.metadata(camera, t_ms, number, domain)
        self.frames(camera, [t_ms])

    def metadata(
        self, camera: str, t_ms: int, number: int, domain: ClockDomain = ClockDomain.GLOBAL
    ) -> None:
        self.sync.push_frame_metadata(
            camera, capture_ns=t_ms * MS, frame_number=number, domain=domain
        )

    def states(self, times_ms: list[float]) -> None:
        for t in times_ms:
            self.sync.push_state(round(t * MS), state_at(t))

    def sent(self, times_ms: list[float]) -> None:
        for t in times_ms:
            self.sync.push_sent(round(t * MS), np.array([10.0 * t]))

    def robot(self, first_ms: int, last_ms: int, step_ms: int = 10) -> None:
        times: list[float] = list(range(first_ms, last_ms + 1, step_ms))
        self.states(times)
        self.sent(times)
        for t in times[::2]:
            self.sync.push_requested(round(t * MS), np.array([t + 0.5]), Source.TELEOP)


def steady(last_ms: int = 450) -> Rig:
    rig = Rig()
    rig.robot(0, last_ms)
    rig.frames('head', list(range(0, last_ms + 1, 50)))
    rig.frames('wrist', list(range(0, last_ms + 1, 50)))
    return rig


def ticks_ms(rows: list[Row]) -> list[float]:
    return [row.tick_ns / MS for row in rows]


def test_rows_lie_on_the_grid_of_the_record_rate() -> None:
    rows = steady().sync.pop_rows()
    assert ticks_ms(rows) == [0, 100, 200, 300]
    assert all(row.flags == Flag.NONE for row in rows)


def test_a_60_hz_camera_gives_15_rows_a_second_without_drift() -> None:
    rig = Rig(SyncConfig(record_rate_hz=15.0, camera_rate_hz=60.0))
    rig.robot(0, 1900)
    times = [k * 1000 / 60 for k in range(114)]
    rig.frames('head', times)
    rig.frames('wrist', times)
    rows = rig.sync.pop_rows()
    assert len(rows) == 28
    assert [row.tick_ns for row in rows] == [round(4 * k * 1000 / 60 * MS) for k in range(28)]


def test_the_tick_is_the_capture_time_of_the_reference_frame_nearest_to_the_grid() -> None:
    rig = Rig()
    rig.robot(0, 450)
    rig.frames('head', [0, 48, 107, 160, 199, 251, 290, 345, 402, 450])
    rig.frames('wrist', list(range(0, 451, 50)))
    assert ticks_ms(rig.sync.pop_rows()) == [0, 107, 199, 290]


def test_other_cameras_give_the_frame_nearest_to_the_tick() -> None:
    rig = Rig()
    rig.robot(0, 450)
    rig.frames('head', list(range(0, 451, 50)))
    rig.frames('wrist', [10, 62, 112, 161, 214, 260, 311, 370, 420])
    rows = rig.sync.pop_rows()
    assert [row.capture_ns['wrist'] / MS for row in rows] == [10, 112, 214, 311]
    assert [row.skew_ns('wrist') / MS for row in rows] == [10, 12, 14, 11]
    assert rows[1].receipt_ns['wrist'] == 119 * MS
    assert all(row.flags == Flag.NONE for row in rows)


def test_a_frame_over_budget_is_stored_and_flagged() -> None:
    rig = Rig()
    rig.robot(0, 450)
    rig.frames('head', list(range(0, 451, 50)))
    rig.frames('wrist', [0, 50, 100, 140, 226, 300, 350, 400])
    rows = rig.sync.pop_rows()
    assert rows[2].capture_ns['wrist'] == 226 * MS
    assert [row.flags for row in rows[:4]] == [0, 0, Flag.SKEW_OVER_BUDGET, 0]
    assert rig.sync.report().max_skew_ns == {'head': 0, 'wrist': 26 * MS}


def test_the_budget_is_half_a_frame_period_unless_given() -> None:
    assert CONFIG.skew_budget_ns == 25 * MS
    given_budget = SyncConfig(record_rate_hz=10.0, camera_rate_hz=20.0, max_skew_s=0.004)
    assert given_budget.skew_budget_ns == 4 * MS


def test_joint_states_are_interpolated_at_the_tick() -> None:
    rig = Rig()
    rig.sent(list(range(0, 300, 10)))
    rig.sync.push_requested(0, np.zeros(1), Source.POLICY)
    rig.states([0, 30, 60, 90, 130, 160])
    rig.frames('head', [0, 50, 103, 150])
    rig.frames('wrist', [0, 50, 103, 150])
    rows = rig.sync.pop_rows()
    np.testing.assert_allclose(rows[1].state, [103, -206])


def test_the_action_is_the_sent_command_at_the_end_of_the_period() -> None:
    rig = Rig()
    rig.robot(0, 150)
    rig.sent([205, 230])
    rig.frames('head', [0, 50, 103])
    rig.frames('wrist', [0, 50, 103])
    rig.states([160])
    first, second = rig.sync.pop_rows()
    np.testing.assert_allclose(first.action, [1000])
    np.testing.assert_allclose(second.action, [2030])
    assert second.flags == Flag.COMMAND_GAP  # 150 to 205 is more than 50 ms


def test_the_requested_action_is_the_latest_one_at_the_tick() -> None:
    rig = Rig()
    rig.states(list(range(0, 250, 10)))
    rig.sent(list(range(0, 350, 10)))
    for t, source in ((0, Source.TELEOP), (99, Source.POLICY), (101, Source.INTERVENTION)):
        rig.sync.push_requested(t * MS, np.array([float(t)]), source)
    rig.frames('head', [0, 50, 100, 150, 200])
    rig.frames('wrist', [0, 50, 100, 150, 200])
    rows = rig.sync.pop_rows()
    assert [row.action_requested[0] for row in rows] == [0, 99, 101]
    assert [row.source for row in rows] == [Source.TELEOP, Source.POLICY, Source.INTERVENTION]


def test_success_is_false_until_told_otherwise() -> None:
    rig = steady()
    rig.sync.push_success(200 * MS, True)
    rig.sync.push_success(299 * MS, False)
    assert [row.success for row in rig.sync.pop_rows()] == [False, False, True, False]


def test_a_row_waits_until_every_stream_covers_it() -> None:
    rig = Rig()
    rig.robot(0, 90)
    rig.frames('head', [0, 50])
    rig.frames('wrist', [0, 50])
    assert rig.sync.pop_rows() == []  # the command at 100 ms is missing
    rig.robot(100, 200)
    assert ticks_ms(rig.sync.pop_rows()) == [0]
    rig.frames('head', [100])
    assert rig.sync.pop_rows() == []  # the wrist camera has not reached 100 ms
    rig.frames('wrist', [100])
    assert ticks_ms(rig.sync.pop_rows()) == [100]
    assert rig.sync.pop_rows() == []


def test_a_stalled_camera_gives_flagged_rows_and_no_shift() -> None:
    rig = Rig()
    rig.robot(0, 1800)
    rig.frames('head', list(range(0, 1801, 50)))
    rig.frames('wrist', [0, 50, 100, 150, 200])
    rows = rig.sync.pop_rows()
    assert ticks_ms(rows) == [0, 100, 200, *range(300, 1200, 100)]
    assert [row.capture_ns['wrist'] // MS for row in rows[2:]] == [200] * 10
    expected = Flag.SKEW_OVER_BUDGET | Flag.REPEATED_FRAME
    assert [row.flags for row in rows] == [0, 0, 0, *[expected] * 9]
    assert all(row.capture_ns['head'] == row.tick_ns for row in rows)


def test_a_stalled_reference_camera_gives_rows_at_grid_times_flagged_as_tick_gaps() -> None:
    rig = Rig()
    rig.robot(0, 850)
    rig.frames('head', [0, 50, 100, 150, 480, 500, 550, 600, 650, 700, 750, 800, 850])
    rig.frames('wrist', list(range(0, 851, 50)))
    rows = rig.sync.pop_rows()
    assert ticks_ms(rows) == [0, 100, 150, 300, 400, 500, 600, 700]
    gaps = [bool(row.flags & Flag.TICK_GAP) for row in rows]
    assert gaps == [False, False, False, True, True, False, False, False]
    assert [row.capture_ns['head'] // MS for row in rows] == [0, 100, 150, 150, 480, 500, 600, 700]
    np.testing.assert_allclose(rows[3].state, state_at(300))


def test_a_repeated_capture_stamp_is_counted_and_flagged() -> None:
    rig = Rig()
    rig.robot(0, 350)
    rig.frames('head', [0, 50, 100, 100, 200, 250])
    rig.frames('wrist', list(range(0, 351, 50)))
    rows = rig.sync.pop_rows()
    assert [row.flags for row in rows] == [0, Flag.REPEATED_FRAME, 0]
    assert rig.sync.report().repeated == {'head': 1, 'wrist': 0}


def test_a_gap_in_the_joint_states_is_flagged() -> None:
    rig = Rig()
    rig.sent(list(range(0, 400, 10)))
    rig.sync.push_requested(0, np.zeros(1), Source.TELEOP)
    rig.states([0, 10, 20, 40, 99, 151, 200])
    rig.frames('head', [0, 50, 100, 150, 200])
    rig.frames('wrist', [0, 50, 100, 150, 200])
    assert [row.flags for row in rig.sync.pop_rows()] == [0, Flag.STATE_GAP, 0]


@pytest.mark.parametrize('wrong_ms', [55, 60_000])
def test_a_clock_that_jumps_is_left_out_counted_and_flagged(wrong_ms: int) -> None:
    rig = steady(150)
    rig.states([wrong_ms])
    rig.robot(160, 350)
    rig.frames('head', [200, 250])
    rig.frames('wrist', [200, 250])
    rows = rig.sync.pop_rows()
    # The period of row 100 holds the stamp that was left out; row 200 lies within a period of it.
    assert [row.flags for row in rows] == [0, Flag.REJECTED_STAMP, Flag.REJECTED_STAMP]
    np.testing.assert_allclose(rows[1].state, state_at(100))
    assert rig.sync.report().rejected == {'state': 1}


def test_a_frame_number_that_comes_again_under_a_new_stamp_is_counted_and_flagged() -> None:
    rig = Rig()
    rig.robot(0, 350)
    for t, number in ((0, 7), (50, 8), (100, 8), (150, 9), (200, 10), (250, 11)):
        rig.described('head', t, number)
    rig.frames('wrist', list(range(0, 351, 50)))
    rows = rig.sync.pop_rows()
    assert [row.flags for row in rows] == [0, Flag.REPEATED_FRAME, 0]
    assert [row.frame_numbers['head'] for row in rows] == [7, 8, 10]
    assert rig.sync.report().repeated == {'head': 1, 'wrist': 0}


def test_skipped_frame_numbers_are_counted_per_camera_and_a_restarted_count_is_none() -> None:
    rig = Rig()
    rig.robot(0, 450)
    for t, number in ((0, 5), (50, 6), (100, 9), (150, 10), (200, 0), (250, 1), (300, 3)):
        rig.described('head', t, number)
    rig.frames('wrist', list(range(0, 451, 50)))
    rig.sync.pop_rows()
    assert rig.sync.report().skipped == {'head': 3, 'wrist': 0}


@pytest.mark.parametrize('is_first', [True, False], ids=['metadata first', 'picture first'])
def test_metadata_join_their_frame_in_either_order_and_a_row_waits_for_them(
    *, is_first: bool
) -> None:
    rig = Rig()
    rig.robot(0, 350)
    rig.frames('wrist', list(range(0, 351, 50)))
    rig.described('head', 0, 40)
    rig.described('head', 50, 41)
    steps = [lambda: rig.metadata('head', 100, 42), lambda: rig.frames('head', [100])]
    first, second = steps if is_first else reversed(steps)
    first()
    assert ticks_ms(rig.sync.pop_rows()) == [0]
    second()
    (row,) = rig.sync.pop_rows()
    assert (row.frame_number('head'), row.domain('head')) == (42, ClockDomain.GLOBAL)
    assert (row.frame_number('wrist'), row.domain('wrist')) == (-1, ClockDomain.UNKNOWN)
    assert rig.sync.report().skipped == {'head': 0, 'wrist': 0}


def test_a_camera_whose_metadata_stop_delays_no_row_beyond_the_wait() -> None:
    rig = Rig()
    rig.robot(0, 900)
    rig.frames('wrist', list(range(0, 901, 50)))
    rig.described('head', 0, 40)
    rig.frames('head', list(range(50, 901, 50)))
    rows = rig.sync.pop_rows()
    assert ticks_ms(rows) == [0, 100, 200]
    assert rows[1].domain('head') == ClockDomain.UNKNOWN
    assert [row.flags for row in rows] == [0, Flag.CLOCK_DOMAIN, Flag.CLOCK_DOMAIN]


def test_rows_of_another_clock_domain_than_at_the_start_are_flagged() -> None:
    rig = Rig()
    rig.robot(0, 550)
    rig.frames('wrist', list(range(0, 551, 50)))
    for t in range(0, 551, 50):
        domain = ClockDomain.HOST if 150 <= t < 350 else ClockDomain.GLOBAL
        rig.described('head', t, t // 50, domain)
    rows = rig.sync.pop_rows()
    assert [row.flags for row in rows] == [0, 0, Flag.CLOCK_DOMAIN, Flag.CLOCK_DOMAIN, 0]
    assert [row.domain('head') for row in rows[1:3]] == [ClockDomain.GLOBAL, ClockDomain.HOST]


def test_samples_received_later_than_the_budget_are_counted_and_paired_all_the_same() -> None:
    rig = Rig()
    rig.robot(0, 350)
    rig.frames('head', [0, 50])
    rig.frames('head', [100, 150], delay_ms=201)
    rig.frames('head', [200, 250], delay_ms=20)
    rig.frames('wrist', list(range(0, 351, 50)))
    rig.sync.push_state(360 * MS, state_at(360), receipt_ns=900 * MS)
    rows = rig.sync.pop_rows()
    assert [row.flags for row in rows] == [0, 0, 0]
    report = rig.sync.report()
    assert report.late == {'head': 2, 'state': 1}
    assert report.max_delay_ns == {'head': 201 * MS, 'wrist': 7 * MS, 'state': 540 * MS}


def stepped(step_ms: int, *, at_ms: int = 1000, last_ms: int = 3000) -> tuple[Rig, list[Row]]:
    """The wrist camera's clock is set by `step_ms` at true time `at_ms`; pictures show their true time."""
    rig = Rig()
    rows: list[Row] = []
    for t in range(0, last_ms + 1, 10):
        rig.robot(t, t)
        if t % 50 == 0:
            rig.frames('head', [t])
            stamp = (t if t < at_ms else t + step_ms) * MS
            picture = image_of(t)
            rig.sync.push_frame('wrist', picture, capture_ns=stamp, receipt_ns=(t + 7) * MS)
        rows += rig.sync.pop_rows()
    return rig, rows + rig.sync.finish()


@pytest.mark.parametrize('step_ms', [2000, 300, 60, -60, -300, -2000])
def test_after_a_camera_s_clock_was_set_no_row_pairs_a_picture_of_another_time_without_a_flag(
    step_ms: int,
) -> None:
    rig, rows = stepped(step_ms)
    assert len(rows) >= 24
    wrong = [abs(stamp_in(row.images['wrist']) - row.tick_ns) > 25 * MS for row in rows]
    flagged = [row.flags != Flag.NONE for row in rows]
    assert not [k for k, is_wrong in enumerate(wrong) if is_wrong and not flagged[k]]
    assert all(stamp_in(row.images['wrist']) == row.capture_ns['wrist'] for row in rows)
    assert not any(flagged[:8])
    assert all(bool(row.flags & Flag.REJECTED_STAMP) for row in rows[11:])
    assert rig.sync.report().rejected['wrist'] >= 38
    assert rig.sync.set_back == (('wrist',) if step_ms < 0 else ())


def test_a_clock_that_is_right_again_is_believed_again() -> None:
    rig = Rig()
    rows: list[Row] = []
    for t in range(0, 3001, 10):
        rig.robot(t, t)
        if t % 50 == 0:
            rig.frames('head', [t])
            shift = -300 if 1000 <= t < 2000 else 0
            rig.sync.push_frame(
                'wrist', image_of(t), capture_ns=(t + shift) * MS, receipt_ns=(t + 7) * MS
            )
        rows += rig.sync.pop_rows()
    assert [row.flags for row in rows[:9]] == [0] * 9
    assert all(row.flags & Flag.REJECTED_STAMP for row in rows[11:19])
    assert [row.flags for row in rows[22:]] == [0] * len(rows[22:])
    assert rig.sync.set_back == ()


@pytest.mark.parametrize('step_ms', [2500, -700])
def test_where_the_host_s_clock_was_set_every_row_that_spans_the_seam_is_flagged(
    step_ms: int,
) -> None:
    """All stamps and receipts are shifted; what rows hold is compared by true time, which the streams carry."""
    rig = Rig()
    rows: list[Row] = []
    for t in range(0, 4001, 10):
        now = t if t < 1500 else t + step_ms
        sent_ns, receipt_ns = now * MS, now * MS
        rig.sync.push_state(sent_ns, np.array([t, t]), receipt_ns=receipt_ns)
        rig.sync.push_sent(sent_ns, np.array([float(t)]), receipt_ns=receipt_ns)
        rig.sync.push_requested(sent_ns, np.array([float(t)]), Source.TELEOP)
        if t % 50 == 0:
            for camera, lag in (('head', 30), ('wrist', 20)):
                true = t - lag
                capture = true if true < 1500 else true + step_ms
                rig.sync.push_frame(
                    camera, image_of(true), capture_ns=capture * MS, receipt_ns=receipt_ns
                )
        rows += rig.sync.pop_rows()
    rows += rig.sync.finish()
    sound = [row for row in rows if not row.flags]
    assert len(sound) >= 28
    for row in sound:
        true_ns = stamp_in(row.images['head'])
        assert abs(stamp_in(row.images['wrist']) - true_ns) <= 25 * MS
        assert abs(row.state[0] - true_ns / MS) < 1e-6
        assert abs(row.action[0] - true_ns / MS - 100) < 1e-6


def test_one_stream_far_ahead_forces_no_row() -> None:
    rig = Rig()
    rig.robot(0, 200)
    rig.frames('head', [0, 50])
    rig.frames('wrist', [0])
    rig.states([5000])
    assert ticks_ms(rig.sync.pop_rows()) == []


def test_ticks_before_every_stream_has_begun_are_left_out_and_counted() -> None:
    rig = Rig()
    rig.frames('head', list(range(0, 601, 50)))
    rig.frames('wrist', list(range(0, 601, 50)))
    rig.robot(220, 600)
    rows = rig.sync.pop_rows()
    assert ticks_ms(rows) == [250, 350, 450]
    assert rig.sync.report().leading_ticks == 3, '250 ms of rows every 100 ms'


def test_start_forgets_what_is_older_and_begins_a_new_grid() -> None:
    rig = steady(300)
    rig.sync.push_success(250 * MS, True)
    rig.sync.pop_rows()
    rig.sync.start(280 * MS)
    rig.robot(310, 600)
    rig.frames('head', [350, 400, 450, 500])
    rig.frames('wrist', [350, 400, 450, 500])
    rows = rig.sync.pop_rows()
    assert ticks_ms(rows) == [300, 400, 500]
    assert not any(row.success for row in rows)
    assert rig.sync.report().rows == 3


def test_start_with_a_clock_that_was_set_back_forgets_the_future() -> None:
    rig = steady(9000)
    rig.sync.start(0)
    rig.robot(0, 300)
    rig.frames('head', [20, 70, 120])
    rig.frames('wrist', [20, 70, 120])
    assert ticks_ms(rig.sync.pop_rows()) == [20, 120]


def test_finish_gives_what_can_be_completed_and_counts_the_rest() -> None:
    rig = steady(450)
    rows = rig.sync.finish()
    assert ticks_ms(rows) == [0, 100, 200, 300]
    assert rig.sync.report().incomplete_tail == 1
    rig.robot(460, 900)
    assert rig.sync.pop_rows() == []


def test_finish_gives_rows_of_a_camera_that_died_with_flags() -> None:
    rig = Rig()
    rig.robot(0, 650)
    rig.frames('head', list(range(0, 651, 50)))
    rig.frames('wrist', [0, 50, 100, 150])
    assert ticks_ms(rig.sync.pop_rows()) == [0, 100]
    rows = rig.sync.finish()
    assert ticks_ms(rows) == [200, 300, 400]
    assert rows[0].flags == Flag.SKEW_OVER_BUDGET


def test_memory_is_bounded_when_nobody_takes_rows() -> None:
    rig = Rig()
    for second in range(60):
        base = 1000 * second
        rig.frames('head', list(range(base, base + 1000, 50)))
        rig.robot(base, base + 999)
    held = [len(s._samples) for s in (rig.sync._reference, rig.sync._state)]
    assert held[0] <= 42
    assert held[1] <= 202


def test_wrong_names_and_widths_are_refused() -> None:
    rig = Rig()
    with pytest.raises(UnknownNameError, match="unknown camera 'left'; known: head, wrist"):
        rig.frames('left', [0])
    with pytest.raises(ShapeError, match=r'state: expected shape \(2,\), got \(3,\)'):
        rig.sync.push_state(0, np.zeros(3))


def test_report_counts_frames_rows_and_flags() -> None:
    rig = steady(350)
    rig.sync.pop_rows()
    report = rig.sync.report()
    assert report.frames == {'head': 8, 'wrist': 8}
    assert (report.rows, report.flagged_rows, report.rows_by_flag) == (3, 0, {})


def jittered(
    data: st.DataObject, name: str, period_ms: int, span_ms: int, delay_ms: int
) -> Iterator[tuple[int, str, float]]:
    """(arrival, stream, capture) in ms with jitter, a stall and a delivery delay."""
    stall = data.draw(st.integers(0, span_ms), label=f'{name} stalls at')
    length = data.draw(st.integers(0, 700), label=f'{name} stalls for')
    jitter = data.draw(
        st.lists(
            st.integers(0, period_ms // 3),
            min_size=span_ms // period_ms,
            max_size=span_ms // period_ms,
        ),
        label=f'{name} jitter',
    )
    for k, late in enumerate(jitter):
        capture = k * period_ms + late
        if not stall <= capture < stall + length:
            yield capture + delay_ms, name, capture


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_every_picture_keeps_its_own_stamp_under_jitter_and_stalls(data: st.DataObject) -> None:
    span_ms = 2000
    rig = Rig()
    rig.sync.push_requested(0, np.zeros(1), Source.TELEOP)
    rig.robot(0, 0)
    events = [
        *jittered(data, 'head', 50, span_ms, delay_ms=40),
        *jittered(data, 'wrist', 50, span_ms, delay_ms=60),
        *jittered(data, 'state', 10, span_ms, delay_ms=2),
        *jittered(data, 'sent', 10, span_ms, delay_ms=1),
    ]
    rows: list[Row] = []
    push = {'state': rig.states, 'sent': rig.sent}
    for _, name, capture in sorted(events):
        if name in push:
            push[name]([capture])
        else:
            rig.frames(name, [capture])
        rows += rig.sync.pop_rows()
    rows += rig.sync.finish()
    for k, row in enumerate(rows):
        for camera in ('head', 'wrist'):
            assert stamp_in(row.images[camera]) == row.capture_ns[camera]
        is_over = max(abs(row.skew_ns(camera)) for camera in ('head', 'wrist')) > 25 * MS
        assert bool(row.flags & Flag.SKEW_OVER_BUDGET) == is_over
        assert abs(row.tick_ns - rows[0].tick_ns - k * 100 * MS) <= 50 * MS
        if not row.flags & Flag.STATE_GAP:
            np.testing.assert_allclose(row.state, state_at(row.tick_ns / MS), atol=1e-6)
        if not row.flags & Flag.COMMAND_GAP:
            np.testing.assert_allclose(row.action, [10 * (row.tick_ns / MS + 100)], atol=1e-5)
    assert np.all(np.diff([row.tick_ns for row in rows]) > 0)
    assert rig.sync.report().rows == len(rows)
