"""The supervisor, with small Python programs as children."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import vla_mbpo
import vla_mbpo_robot
from vla_mbpo_robot.supervisor import ProcessSpec
from vla_mbpo_robot.supervisor import Report
from vla_mbpo_robot.supervisor import Supervisor

CHILDREN = """
import os, signal, subprocess, sys, time

def talks():
    print('hello from', sys.argv[1], flush=True)
    print('to stderr', file=sys.stderr, flush=True)

def waits():
    signal.signal(signal.SIGINT, lambda *_: sys.exit(0))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print('waiting', os.getpid(), flush=True)
    while True:
        time.sleep(0.05)

def ignores_all():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    helper = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])
    print('ignoring', os.getpid(), helper.pid, flush=True)
    while True:
        time.sleep(0.05)

def fails():
    time.sleep(0.3)
    print('the reason', flush=True)
    return 7

def dies():
    print('all is well', flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

def refuses():
    print('error: folder is full', flush=True)
    return 2

def ends():
    time.sleep(float(sys.argv[1]))

def fails_when_stopped():
    signal.signal(signal.SIGINT, lambda *_: sys.exit(3))
    print('waiting', flush=True)
    while True:
        time.sleep(0.05)

def reads_input():
    print('read', repr(sys.stdin.read()), flush=True)
"""

Run = Callable[..., tuple[Report, list[tuple[str, str]]]]

SUPERVISING = """
import sys
from vla_mbpo_robot.supervisor import ProcessSpec, Supervisor
import os
specs = [ProcessSpec(name=n, entry='children:' + n, environment=os.environ) for n in sys.argv[1:]]
report = Supervisor(specs, on_line=lambda n, line: print(n, line, flush=True)).run()
print(report.sentence, flush=True)
sys.exit(report.exit_code)
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    (tmp_path / 'children.py').write_text(CHILDREN)
    roots = [Path(package.__file__ or '').parents[1] for package in (vla_mbpo, vla_mbpo_robot)]
    path = os.pathsep.join(str(root) for root in (tmp_path, *roots))
    return {**os.environ, 'PYTHONPATH': path}


@pytest.fixture
def run(environment: dict[str, str]) -> Run:
    def run(
        *children: str, leader: str = '', argument: str = ''
    ) -> tuple[Report, list[tuple[str, str]]]:
        lines: list[tuple[str, str]] = []
        specs = [
            ProcessSpec(
                name=child,
                entry=f'children:{child}',
                arguments=(argument or child,),
                environment=environment,
                is_leader=child == leader,
            )
            for child in children
        ]
        report = Supervisor(specs, on_line=lambda name, line: lines.append((name, line))).run()
        return report, lines

    return run


def start_supervisor(
    environment: dict[str, str], *children: str
) -> tuple[subprocess.Popen[str], list[int]]:
    """A supervisor in a process of its own, and the ids of all processes below it once they run."""
    process = subprocess.Popen(
        [sys.executable, '-c', SUPERVISING, *children],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    ids = []
    for _ in children:
        ids += [int(word) for word in process.stdout.readline().split() if word.isdigit()]
    return process, ids


def is_alive(process_id: int) -> bool:
    try:
        state = Path(f'/proc/{process_id}/stat').read_text().rpartition(')')[2].split()[0]
    except FileNotFoundError:
        return False
    return state != 'Z'


def wait_until_gone(ids: list[int], within_s: float) -> list[int]:
    """Ids that are still alive after `within_s`."""
    deadline_s = time.monotonic() + within_s
    while any(map(is_alive, ids)) and time.monotonic() < deadline_s:
        time.sleep(0.02)
    return [process_id for process_id in ids if is_alive(process_id)]


def test_lines_of_both_streams_arrive_with_the_name_of_their_process(run: Run) -> None:
    report, lines = run('talks', leader='talks')
    assert report == Report(exit_code=0, sentence='talks is done')
    assert sorted(lines) == [('talks', 'hello from talks'), ('talks', 'to stderr')]


def test_the_leader_s_clean_end_stops_the_others_and_is_success(run: Run) -> None:
    report, lines = run('waits', 'ends', leader='ends', argument='0.5')
    assert report.exit_code == 0
    assert not wait_until_gone([int(lines[0][1].split()[1])], within_s=0.0)


def test_the_first_failure_stops_all_and_is_told_with_its_last_line(run: Run) -> None:
    started_s = time.monotonic()
    report, lines = run('waits', 'fails')
    assert report == Report(exit_code=1, sentence='fails ended with code 7: the reason')
    assert time.monotonic() - started_s < 5.0
    assert not wait_until_gone(
        [int(line.split()[1]) for _, line in lines if 'waiting' in line], 0.0
    )


def test_a_process_that_a_signal_ended_is_not_told_with_a_line_from_before(run: Run) -> None:
    report, _ = run('dies')
    assert report == Report(exit_code=1, sentence='dies was ended by SIGKILL')


def test_a_process_that_is_interrupted_while_it_is_imported_prints_nothing(
    environment: dict[str, str], tmp_path: Path
) -> None:
    slow = "import sys, time; print('importing', 0, flush=True); time.sleep(30)"
    (tmp_path / 'slow.py').write_text(slow)
    lines: list[str] = []

    def interrupt(name: str, line: str) -> None:
        lines.append(line)
        os.kill(os.getpid(), signal.SIGINT)

    spec = ProcessSpec(name='slow', entry='slow:main', environment=environment)
    assert Supervisor([spec], on_line=interrupt).run().exit_code == 130
    assert lines == ['importing 0']


def test_code_2_of_a_process_stays_code_2_and_its_message_stays_its_message(run: Run) -> None:
    assert run('refuses') == (
        Report(exit_code=2, sentence='refuses: folder is full'),
        [('refuses', 'error: folder is full')],
    )


def test_a_process_that_ends_before_the_job_is_a_failure_even_with_code_0(run: Run) -> None:
    report, _ = run('ends', 'waits', argument='0.2')
    assert report == Report(exit_code=1, sentence='ends ended with code 0 before the job was done')


def test_a_failure_while_stopping_after_success_is_not_hidden(run: Run) -> None:
    report, _ = run('fails_when_stopped', 'ends', leader='ends', argument='0.5')
    assert report.exit_code == 1
    assert report.sentence == 'fails_when_stopped ended with code 3 while stopping'


def test_a_process_finds_its_standard_input_empty(run: Run) -> None:
    report, lines = run('reads_input', leader='reads_input')
    assert (report.exit_code, lines) == (0, [('reads_input', "read ''")])


def test_output_that_cannot_be_written_stops_the_job(environment: dict[str, str]) -> None:
    def full(name: str, line: str) -> None:
        raise OSError(28, 'No space left on device')

    spec = ProcessSpec(name='waits', entry='children:waits', environment=environment)
    report = Supervisor([spec], on_line=full).run()
    assert report == Report(
        exit_code=1, sentence='output cannot be written: No space left on device'
    )


@pytest.mark.parametrize(('number', 'code'), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_all_quickly(
    environment: dict[str, str], number: signal.Signals, code: int
) -> None:
    process, ids = start_supervisor(environment, 'waits')
    process.send_signal(number)
    output, _ = process.communicate(timeout=3.0)
    assert process.returncode == code
    assert output == f'stopped by {number.name}\n'
    assert not wait_until_gone(ids, within_s=0.0)


def test_a_process_that_ignores_signals_is_killed_with_what_it_started_within_3_s(
    environment: dict[str, str],
) -> None:
    process, ids = start_supervisor(environment, 'waits', 'ignores_all')
    started_s = time.monotonic()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=10.0)
    assert time.monotonic() - started_s < 3.3
    assert process.returncode == 130
    assert len(ids) == 3
    assert not wait_until_gone(ids, within_s=0.1)


def test_no_process_outlives_a_supervisor_that_is_killed(environment: dict[str, str]) -> None:
    process, ids = start_supervisor(environment, 'waits', 'ignores_all')
    process.kill()
    process.communicate(timeout=10.0)
    assert len(ids) == 3
    assert not wait_until_gone(ids, within_s=4.0)
