"""An operator's session in the twin through real processes: discard, undo, killed recorder, resume; at a terminal."""

import os
import pty
import re
import signal
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import rclpy
from rclpy.node import Node

from vla_mbpo.episodes.check import check
from vla_mbpo.episodes.reader import DatasetReader
from vla_mbpo_msgs.msg import SessionStatus
from vla_mbpo_msgs.srv import OperatorInput
from vla_mbpo_robot import qos
from vla_mbpo_robot import topics

pytestmark = [pytest.mark.ros, pytest.mark.timeout(300)]

WANTED = 5
PATIENCE_S = 60.0
ANSI = re.compile(rb'\x1b\[[0-9;?]*[A-Za-z]')


def command(dataset: Path, *words: str) -> list[str]:
    arguments = ['robot:=arx_x5', 'task:=pick_cup', 'simulate:=true', 'attended:=true']
    start = [sys.executable, '-m', 'vla_mbpo', 'up', 'collect', *arguments]
    return [*start, f'dataset_dir:={dataset}', *words]


def environment() -> dict[str, str]:
    return {**os.environ, 'PYTHONPATH': os.pathsep.join(path for path in sys.path if path)}


class Operator:
    """Watches `session/status`, presses through `session/input`."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self.status = SessionStatus()
        namespace = '/arx_x5'
        self._input = node.create_client(OperatorInput, f'{namespace}/{topics.SESSION_INPUT}')
        node.create_subscription(
            SessionStatus, f'{namespace}/{topics.SESSION_STATUS}', self._on_status, qos.LATCHED
        )

    def _on_status(self, message: SessionStatus) -> None:
        self.status = message

    def wait(self, what: str, is_true: Callable[[SessionStatus], bool]) -> SessionStatus:
        deadline_s = time.monotonic() + PATIENCE_S
        while not is_true(self.status):
            assert time.monotonic() < deadline_s, f'no {what}: {self.status}'
            rclpy.spin_once(self._node, timeout_sec=0.1)
        return self.status

    def press(self, event: str) -> None:
        assert self._input.wait_for_service(PATIENCE_S)
        future = self._input.call_async(OperatorInput.Request(event=event, source='test'))
        rclpy.spin_until_future_complete(self._node, future, timeout_sec=PATIENCE_S)
        assert future.result().success, future.result().message
        time.sleep(0.3)  # further than a bounce from the next one

    def may(self, event: str) -> None:
        self.wait(f'way to {event}', lambda status: event in status.inputs)

    def record(self, duration_s: float = 1.5) -> str:
        """Start, record and stop an episode; the verdict, which is there before any label."""
        self.may('start')
        self.press('start')
        self.wait('recording', lambda s: s.phase == SessionStatus.RECORDING)
        time.sleep(duration_s)
        self.press('stop')
        self.may('success')
        assert self.status.phase == SessionStatus.JUDGING
        return self.status.verdict

    def tally(self) -> tuple[int, int, int]:
        return self.status.saved, self.status.succeeded, self.status.discarded

    def expect(self, *tally: int) -> None:
        self.wait(f'tally {tally}', lambda _: self.tally() == tally)


@pytest.fixture
def operator() -> Iterator[Operator]:
    rclpy.init()
    node = rclpy.create_node('operator')
    yield Operator(node)
    node.destroy_node()
    rclpy.shutdown()


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Starts `up collect` over tmp_path/data; what still runs is stopped in the end."""
    started: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        process = subprocess.Popen(
            command(tmp_path / 'data', f'episodes:={WANTED}', 'countdown_s:=0.2'),
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)


def outcomes(dataset: Path) -> list[str]:
    with DatasetReader(dataset) as reader:
        kept = [record for record in reader.records if record.index not in reader.removed]
    return [record.result.outcome for record in kept]


def kill_recorder(up: subprocess.Popen[str]) -> None:
    nodes = psutil.Process(up.pid).children()
    recorder = 'vla_mbpo_robot.nodes.episode_recorder:main'
    next(node for node in nodes if recorder in node.cmdline()).kill()


def until_the_recorder_is_killed(operator: Operator, up: subprocess.Popen[str]) -> None:
    """A success, a discard, a success that becomes a failure, and an episode that is cut short."""
    assert operator.record().partition(':')[0] in {'good', 'usable', 'bad'}
    operator.press('success')
    operator.expect(1, 1, 0)
    operator.record()
    operator.press('discard')
    operator.expect(1, 1, 1)
    operator.record()
    operator.press('success')
    operator.expect(2, 2, 1)
    operator.press('undo')
    operator.may('failure')
    operator.press('failure')
    operator.expect(2, 1, 1)
    operator.may('start')
    operator.press('start')
    operator.wait('recording', lambda s: s.phase == SessionStatus.RECORDING)
    time.sleep(2.0)
    kill_recorder(up)


def until_the_dataset_is_complete(operator: Operator) -> None:
    """The label of the recovered episode, two more, and the end."""
    operator.wait('question', lambda s: s.phase == SessionStatus.JUDGING)
    assert operator.status.message.startswith('episode 2 was recovered after a crash: ')
    operator.expect(2, 1, 0)
    operator.press('success')
    operator.expect(3, 2, 0)
    for saved in (4, WANTED):
        operator.record()
        operator.press('success')
        operator.expect(saved, saved - 1, 0)
    operator.wait('end', lambda s: s.phase == SessionStatus.DONE)
    operator.press('quit')


def test_five_episodes_with_a_discard_an_undo_and_a_killed_recorder_make_the_right_tally(
    operator: Operator, session: Callable[[], subprocess.Popen[str]], tmp_path: Path
) -> None:
    first = session()
    until_the_recorder_is_killed(operator, first)
    said, _ = first.communicate(timeout=20)
    assert first.returncode == 1
    assert 'episode_recorder was ended by SIGKILL' in said
    assert outcomes(tmp_path / 'data') == ['success', 'failure']

    operator.status = SessionStatus()
    second = session()
    until_the_dataset_is_complete(operator)
    said, _ = second.communicate(timeout=20)
    assert second.returncode == 0, said
    assert outcomes(tmp_path / 'data') == ['success', 'failure', 'success', 'success', 'success']
    assert [finding for finding in check(tmp_path / 'data') if finding.severity == 'error'] == []
    with DatasetReader(tmp_path / 'data') as reader:
        seeds = [record.info.seed for record in reader.records]
    assert len(set(seeds)) == len(seeds)


class Terminal:
    """A process at a pseudo-terminal, whose output is read all the time."""

    def __init__(self, words: list[str]) -> None:
        self.pid, self.ours = pty.fork()
        if self.pid == 0:
            os.execve(words[0], words, {**environment(), 'TERM': 'xterm', 'COLUMNS': '110'})
        self.text = b''
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self.ours, 65536)
            except OSError:  # the other end is closed
                return
            self.text += data

    def press(self, key: str) -> None:
        os.write(self.ours, key.encode())
        time.sleep(0.3)

    def wait(self, text: str) -> None:
        """Wait until `text` is shown after what was waited for before."""
        deadline_s = time.monotonic() + PATIENCE_S
        while text.encode() not in ANSI.sub(b'', self.text):
            assert time.monotonic() < deadline_s, ANSI.sub(b'', self.text[-3000:]).decode()
            time.sleep(0.05)
        self.text = b''

    def end(self) -> int:
        code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        self._reader.join(2.0)
        return code


def test_at_a_terminal_a_screen_shows_the_session_and_single_keys_run_it(tmp_path: Path) -> None:
    terminal = Terminal(command(tmp_path / 'data', 'episodes:=1', 'countdown_s:=0.2'))
    try:
        before = termios.tcgetattr(terminal.ours)
        terminal.wait('Space starts')
        assert termios.tcgetattr(terminal.ours)[3] & termios.ICANON == 0
        terminal.wait('preflight: all ok')
        terminal.press(' ')
        terminal.wait('RECORDING')
        time.sleep(1.5)
        terminal.press(' ')
        terminal.wait('s success, f failure, d discard')
        terminal.press('f')
        terminal.wait('1/1 saved')
        terminal.wait('q ends')
        terminal.press('q')
        assert terminal.end() == 0, ANSI.sub(b'', terminal.text[-3000:]).decode()
        assert termios.tcgetattr(terminal.ours) == before
    finally:
        os.close(terminal.ours)
    assert outcomes(tmp_path / 'data') == ['failure']


def test_ctrl_c_at_the_terminal_ends_the_session_and_gives_the_terminal_back(
    tmp_path: Path,
) -> None:
    terminal = Terminal(command(tmp_path / 'data'))
    try:
        before = termios.tcgetattr(terminal.ours)
        terminal.wait('Space starts')
        terminal.press('\x03')
        assert terminal.end() == 130
        assert termios.tcgetattr(terminal.ours) == before
    finally:
        os.close(terminal.ours)
