"""Preflight: what blocks a start, what only warns, and what it says; disk room and calibration as they are read."""

import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
import yaml

from vla_mbpo.robots import load_robot
from vla_mbpo_robot.dataset_stock import disk_minutes
from vla_mbpo_robot.dataset_stock import estimated_rate
from vla_mbpo_robot.dataset_stock import read_calibration
from vla_mbpo_robot.dataset_stock import recording_rate
from vla_mbpo_robot.operator.preflight import Calibration
from vla_mbpo_robot.operator.preflight import Level
from vla_mbpo_robot.operator.preflight import Situation
from vla_mbpo_robot.operator.preflight import StreamState
from vla_mbpo_robot.operator.preflight import failures
from vla_mbpo_robot.operator.preflight import preflight
from vla_mbpo_robot.skew import SkewMonitor

HEAD = StreamState(rate_hz=30.0, expected_hz=30.0, skew_ms=1.0, skew_budget_ms=16.7)
FINE = Situation(
    streams={'head': HEAD, 'joint_states': StreamState(rate_hz=100.0, expected_hz=100.0)},
    disk_minutes=100.0,
    calibration=Calibration(status='measured', age_days=3.0),
)


def head(**changes: float) -> dict[str, object]:
    return {'streams': {'head': replace(HEAD, **changes)}}


def test_all_is_ok_on_a_robot_that_is_ready() -> None:
    checks = preflight(FINE)
    assert {check.level for check in checks} == {Level.OK}
    assert failures(checks) == ''
    assert str(checks[0]) == 'ok head: 30.0 Hz, skew 1.0 ms'


@pytest.mark.parametrize(
    ('change', 'reason'),
    [
        (head(rate_hz=0.0), 'head: no data'),
        (head(rate_hz=23.9), 'head: slower than 24 Hz'),
        (head(skew_ms=17.0), 'head: skew over 16.7 ms'),
        ({'missing': ['teleop/command']}, 'teleop/command: nobody offers it'),
        ({'gate_state': ''}, 'gate: has not reported'),
        ({'gate_state': 'fault', 'gate_reason': 'robot leapt'}, 'gate: fault: robot leapt'),
        ({'disk_minutes': 0.5}, 'disk: room for less than 1 minute'),
    ],
)
def test_what_would_spoil_a_recording_blocks_it_with_one_reason(change, reason: str) -> None:
    assert failures(preflight(replace(FINE, **change))) == reason


@pytest.mark.parametrize(
    ('change', 'line'),
    [
        ({'disk_minutes': 10.0}, 'warn disk: room for 10 minutes'),
        ({'disk_minutes': None}, 'warn disk: free space is unknown'),
        ({'recorder_error': 'the disk was full'}, 'warn recorder: the disk was full'),
        (
            {'calibration': Calibration(status='nominal')},
            'warn calibration: nominal: pictures cannot be related to joints',
        ),
        (
            {'calibration': Calibration(status='measured', age_days=31.0)},
            'warn calibration: measured 31 days ago',
        ),
        (
            {'calibration': Calibration(status='measured')},
            'warn calibration: measured, without a date',
        ),
    ],
)
def test_what_is_only_doubtful_warns_and_does_not_block(change, line: str) -> None:
    checks = preflight(replace(FINE, **change))
    assert line in map(str, checks)
    assert failures(checks) == ''


def test_at_80_percent_of_its_rate_a_stream_is_good_enough() -> None:
    assert failures(preflight(replace(FINE, **head(rate_hz=24.0)))) == ''


def test_in_the_twin_a_slow_computer_warns_and_the_calibration_is_exact() -> None:
    slow = replace(FINE, simulated=True, calibration=Calibration(status='nominal'))
    checks = preflight(replace(slow, **head(rate_hz=10.0)))
    assert failures(checks) == ''
    assert 'warn head: 10.0 Hz, slower than 24 Hz' in map(str, checks)
    assert 'ok calibration: exact, in the twin' in map(str, checks)
    assert failures(preflight(replace(slow, **head(rate_hz=0.0)))) == 'head: no data'


def write_calibration(root: Path, **content: object) -> None:
    folder = root / 'calibration/some_robot'
    folder.mkdir(parents=True, exist_ok=True)
    for name in ('intrinsics', 'extrinsics', 'time_offsets'):
        (folder / f'{name}.yaml').write_text(yaml.safe_dump(content))


@pytest.fixture
def share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which share files are looked for."""
    monkeypatch.setattr('vla_mbpo.paths.share_roots', lambda: [tmp_path])
    return tmp_path


def test_the_worst_file_and_the_oldest_date_count(share: Path) -> None:
    write_calibration(share, status='measured', date=date(2026, 11, 10))
    old = {'status': 'measured', 'date': date(2026, 11, 1)}
    (share / 'calibration/some_robot/intrinsics.yaml').write_text(yaml.safe_dump(old))
    found = read_calibration('some_robot', date(2026, 11, 20))
    assert found == Calibration(status='measured', age_days=19.0)
    (share / 'calibration/some_robot/extrinsics.yaml').write_text('status: nominal')
    assert read_calibration('some_robot', date(2026, 11, 20)) == Calibration(status='nominal')


def test_calibration_without_files_date_or_sense_is_no_error(share: Path) -> None:
    today = date(2026, 11, 20)
    assert read_calibration('some_robot', today).status == 'missing'
    write_calibration(share, status='measured', date='lately')
    assert read_calibration('some_robot', today) == Calibration(status='measured')
    (share / 'calibration/some_robot/intrinsics.yaml').write_text('- 1')
    assert read_calibration('some_robot', today).status == 'unknown'


def test_our_own_nominal_calibration_is_found() -> None:
    assert read_calibration('arx_x5', date(2026, 11, 20)) == Calibration(status='nominal')


def test_room_on_the_disk_is_estimated_before_the_first_episode(tmp_path: Path) -> None:
    robot = load_robot('arx_x5')
    assert 1e6 < estimated_rate(robot) < 2e6
    assert recording_rate(tmp_path, robot) == estimated_rate(robot)
    free = shutil.disk_usage(tmp_path).free
    assert disk_minutes(tmp_path, 1e6) == pytest.approx(free / 60e6, rel=0.05)
    assert disk_minutes(tmp_path / 'nowhere', 1e6) is None


def test_skew_is_measured_against_the_nearest_frame_of_the_reference() -> None:
    skews = SkewMonitor(['head', 'wrist'])
    assert skews.skew_ns('wrist') == 0
    for k in range(20):
        skews.seen('head', 100 * k)
        skews.seen('wrist', 100 * k + 30)
    assert skews.skew_ns('wrist') == 30
    assert skews.skew_ns('head') == 0
