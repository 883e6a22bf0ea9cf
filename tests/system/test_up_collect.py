"""`vla-mbpo up collect` as its users run it: real nodes, real DDS, the twin; ended in every way it can end."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from vla_mbpo.episodes.reader import DatasetReader
from vla_mbpo.episodes.schema import DatasetSpec
from vla_mbpo.episodes.writer import DatasetWriter
from vla_mbpo.robots import load_robot

pytestmark = [pytest.mark.ros, pytest.mark.timeout(120)]

NODES = {'twin', 'command_gate', 'episode_recorder', 'teleop', 'session'}


@pytest.fixture
def up(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A running `up collect` that is about to record into tmp_path/data."""
    process = start(tmp_path / 'data', 'episodes:=3')
    yield process
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=10)


def start(dataset_dir: Path, *words: str) -> subprocess.Popen[str]:
    """`vla-mbpo up collect` with the twin of the ARX-X5."""
    arguments = ['robot:=arx_x5', 'task:=pick_cup', 'simulate:=true', f'dataset_dir:={dataset_dir}']
    return subprocess.Popen(
        [sys.executable, '-m', 'vla_mbpo', 'up', 'collect', *arguments, *words],
        env={**os.environ, 'PYTHONPATH': os.pathsep.join(path for path in sys.path if path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def read_until(process: subprocess.Popen[str], text: str) -> None:
    """Read the output up to the line that holds `text`."""
    assert process.stdout is not None
    seen = []
    for line in process.stdout:
        seen.append(line)
        if text in line:
            return
    raise AssertionError(f'{text!r} did not appear in: {"".join(seen)}')


def nodes_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """The node processes that `up` has started."""
    return psutil.Process(process.pid).children()


def test_up_collects_an_episode_and_ends_with_0(tmp_path: Path) -> None:
    process = start(tmp_path / 'data', 'episodes:=1', 'operator:=somebody')
    output, errors = process.communicate(timeout=100)
    assert (process.returncode, errors) == (0, ''), output
    assert 'PROGRESS' not in output
    assert '1/1 saved, 1 succeeded; done' in output
    assert output.endswith(f'\ndataset: {tmp_path / "data"}\n')
    with DatasetReader(tmp_path / 'data') as reader:
        (record,) = reader.records
    assert record.info.operator == 'somebody'
    assert record.info.simulated
    assert record.result.outcome == 'success'


def test_sigint_stops_all_nodes_within_3_s_and_leaves_no_part_of_an_episode(
    up: subprocess.Popen[str], tmp_path: Path
) -> None:
    read_until(up, 'recording: episode 1')
    nodes = nodes_of(up)
    assert len(nodes) == len(NODES)
    started_s = time.monotonic()
    up.send_signal(signal.SIGINT)
    _, errors = up.communicate(timeout=10)
    assert time.monotonic() - started_s < 3.5
    assert up.returncode == 130
    assert errors == 'vla-mbpo: stopped by SIGINT\n'
    assert not any(node.is_running() for node in nodes)
    with DatasetReader(tmp_path / 'data') as reader:
        assert len(reader) == 0
    assert not list((tmp_path / 'data').glob('videos/**/*.mp4'))


def test_no_node_outlives_a_killed_up_and_the_domain_is_free_again(
    up: subprocess.Popen[str], tmp_path: Path
) -> None:
    read_until(up, 'recording: episode 1')
    nodes = nodes_of(up)
    up.kill()
    up.communicate()
    _, alive = psutil.wait_procs(nodes, timeout=4.0)
    assert not alive
    again = start(tmp_path / 'other', 'episodes:=1')
    output, errors = again.communicate(timeout=100)
    assert again.returncode == 0, output + errors


def test_a_killed_node_ends_the_job_with_its_name(up: subprocess.Popen[str]) -> None:
    read_until(up, 'recording: episode 1')
    nodes = nodes_of(up)
    gate = next(
        node for node in nodes if 'vla_mbpo_robot.nodes.command_gate:main' in node.cmdline()
    )
    gate.kill()
    _, errors = up.communicate(timeout=10)
    assert up.returncode == 1
    assert errors.startswith('vla-mbpo: command_gate was ended by SIGKILL')
    assert not any(node.is_running() for node in nodes)


def test_a_session_that_is_told_to_stop_is_not_a_finished_job(up: subprocess.Popen[str]) -> None:
    read_until(up, 'recording: episode 1')
    session = next(
        node for node in nodes_of(up) if 'vla_mbpo_robot.nodes.session:main' in node.cmdline()
    )
    session.send_signal(signal.SIGINT)
    _, errors = up.communicate(timeout=10)
    assert up.returncode == 1
    assert errors.startswith('vla-mbpo: the session was stopped: 0/3 saved')


def test_a_reader_that_leaves_stops_the_job(up: subprocess.Popen[str]) -> None:
    read_until(up, '0/3 saved')
    nodes = nodes_of(up)
    assert up.stdout is not None
    up.stdout.close()
    assert up.wait(timeout=30) == 1
    assert up.stderr is not None
    assert up.stderr.read() == 'vla-mbpo: output cannot be written: Broken pipe\n'
    assert not any(node.is_running() for node in nodes)


def test_a_second_up_in_the_same_domain_is_refused_in_one_line(
    up: subprocess.Popen[str], tmp_path: Path
) -> None:
    read_until(up, '0/3 saved')
    second = start(tmp_path / 'other')
    output, errors = second.communicate(timeout=30)
    assert output == ''
    assert errors.count('\n') == 1
    assert f'/arx_x5 is in use by process {up.pid} since' in errors
    assert not (tmp_path / 'other').exists()


def test_a_dataset_that_another_process_writes_ends_with_2_and_the_recorder_s_own_words(
    tmp_path: Path,
) -> None:
    root = tmp_path / 'data'
    with DatasetWriter.open(root, DatasetSpec.of_robot(load_robot('arx_x5'))):
        process = start(root)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 2
    assert errors.startswith(f'vla-mbpo: episode_recorder: dataset {root}: ')
    assert errors.count('\n') == 1
