"""Every node starts alone, ends cleanly on SIGINT and SIGTERM, and refuses bad parameters in one line."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import rclpy
from diagnostic_msgs.msg import DiagnosticArray

from vla_mbpo_robot.settings import SETTINGS

pytestmark = pytest.mark.ros

STARTABLE = ('twin', 'teleop', 'command_gate', 'episode_recorder', 'black_box', 'session')
"""The others need hardware."""
START_TIMEOUT_S = 20.0


def start(executable: str, tmp_path: Path, *parameters: str) -> subprocess.Popen:
    writes = executable in {'episode_recorder', 'black_box', 'session'}
    values = [f'dataset_dir:={tmp_path}/dataset'] if writes else []
    arguments = [part for value in (*values, *parameters) for part in ('-p', value)]
    code = f'import sys; from vla_mbpo_robot.nodes.{executable} import main; sys.exit(main())'
    return subprocess.Popen(
        [sys.executable, '-c', code, '--ros-args', *arguments],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )


@pytest.fixture
def diagnostics():
    """Names of the nodes that have published diagnostics."""
    rclpy.init()
    node = rclpy.create_node('listener')
    seen: set[str] = set()

    def on_diagnostics(message: DiagnosticArray) -> None:
        seen.update(status.name.partition(':')[0] for status in message.status)

    node.create_subscription(DiagnosticArray, '/diagnostics', on_diagnostics, 50)

    def wait_for(name: str) -> bool:
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline_s and name not in seen:
            rclpy.spin_once(node, timeout_sec=0.1)
        return name in seen

    yield wait_for
    node.destroy_node()
    rclpy.shutdown()


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize('executable', STARTABLE)
def test_a_running_node_reports_diagnostics_and_ends_with_code_0_within_a_second(
    executable: str, number: signal.Signals, tmp_path: Path, diagnostics
) -> None:
    parameters = ['simulated:=true'] if executable == 'session' else []
    process = start(executable, tmp_path, *parameters)
    try:
        assert diagnostics(executable), f'no diagnostics in {START_TIMEOUT_S} s'
        process.send_signal(number)
        started_s = time.monotonic()
        _, errors = process.communicate(timeout=5)
        assert time.monotonic() - started_s < 1.0
        assert (process.returncode, errors) == (0, '')
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize('executable', SETTINGS)
def test_an_unknown_robot_is_one_line_with_the_known_ones_and_code_2(
    executable: str, tmp_path: Path
) -> None:
    process = start(executable, tmp_path, 'robot:=arx_x6')
    _, errors = process.communicate(timeout=START_TIMEOUT_S)
    assert process.returncode == 2
    assert len(errors.splitlines()) == 1
    assert "unknown robot 'arx_x6'" in errors
    assert 'arx_x5' in errors


def test_a_driver_that_does_not_exist_is_named(tmp_path: Path) -> None:
    process = start('robot_driver', tmp_path, 'driver:=telepathy')
    _, errors = process.communicate(timeout=START_TIMEOUT_S)
    assert (process.returncode, errors) == (
        2,
        "error: unknown robot driver 'telepathy'; known: none.\n",
    )


def test_a_session_that_finds_no_other_node_says_what_is_missing(tmp_path: Path) -> None:
    process = start('session', tmp_path, 'simulated:=true', 'ready_timeout_s:=2.0')
    _, errors = process.communicate(timeout=START_TIMEOUT_S)
    assert process.returncode == 2
    assert 'not ready after 2 s: no ' in errors
    assert 'episode/start' in errors
    assert 'head images' in errors
