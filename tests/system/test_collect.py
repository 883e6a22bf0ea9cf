"""A whole collection session through the ROS graph: twin, teleoperator, gate, recorder, session."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest

from vla_mbpo.episodes.check import check
from vla_mbpo.episodes.reader import DatasetReader
from vla_mbpo.episodes.schema import ACTION
from vla_mbpo.episodes.schema import ACTION_REQUESTED
from vla_mbpo.episodes.schema import STATE
from vla_mbpo.episodes.schema import SUCCESS
from vla_mbpo.robots import load_robot

pytestmark = [pytest.mark.ros, pytest.mark.timeout(240)]


def up(dataset: Path, robot: str, *arguments: str) -> subprocess.CompletedProcess:
    command = ['-m', 'vla_mbpo', 'up', 'collect', f'robot:={robot}', 'task:=pick_cup']
    return subprocess.run(
        [sys.executable, *command, 'simulate:=true', f'dataset_dir:={dataset}', *arguments],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
        env={**os.environ, 'PYTHONPATH': os.pathsep.join(sys.path)},
    )


def node_processes() -> list[str]:
    return [
        ' '.join(process.info['cmdline'])
        for process in psutil.process_iter(['cmdline', 'environ'])
        if any('vla_mbpo_robot.nodes' in word for word in process.info['cmdline'] or [])
        and (process.info['environ'] or {}).get('ROS_DOMAIN_ID') == os.environ['ROS_DOMAIN_ID']
    ]


@pytest.fixture(scope='module', params=['arx_x5', 'galaxea_r1'])
def session(request, tmp_path_factory) -> tuple[str, Path]:
    dataset = tmp_path_factory.mktemp(request.param) / 'dataset'
    result = up(dataset, request.param, 'episodes:=1')
    assert result.returncode == 0, result.stdout + result.stderr
    return request.param, dataset


def test_the_session_saves_what_was_asked_for_and_leaves_no_process(session) -> None:
    _, dataset = session
    summaries = DatasetReader(dataset).summaries()
    assert [summary.outcome for summary in summaries] == ['success']
    assert node_processes() == []


def test_the_dataset_passes_its_own_check(session) -> None:
    assert check(session[1]) == []


def test_rows_hold_the_layout_of_the_robot_at_its_record_rate(session) -> None:
    robot, dataset = load_robot(session[0]), session[1]
    reader = DatasetReader(dataset)
    columns = reader.episode(0).columns
    assert columns[STATE].shape[1] == robot.state.width
    assert columns[ACTION].shape[1] == robot.action.width
    assert reader.spec.fps == robot.file.record_rate_hz
    assert reader.summaries()[0].rate_hz == pytest.approx(robot.file.record_rate_hz, rel=0.02)


def test_the_robot_did_what_was_sent_and_succeeded_at_the_end(session) -> None:
    robot, dataset = load_robot(session[0]), session[1]
    columns = DatasetReader(dataset).episode(0).columns
    assert columns[SUCCESS][-1]
    assert not columns[SUCCESS][0]
    arms = [i for i, dim in enumerate(robot.action) if dim.unit == 'rad']
    tracking = np.abs(columns[STATE][1:, arms] - columns[ACTION][:-1, arms])
    assert np.median(tracking.max(axis=1)) < 0.1
    requested = np.abs(columns[ACTION] - columns[ACTION_REQUESTED])[:, arms]
    assert np.median(requested.max(axis=1)) < 0.05


def test_a_session_of_another_robot_is_refused_in_one_line_and_adds_nothing(session) -> None:
    robot, dataset = session
    other = 'galaxea_r1' if robot == 'arx_x5' else 'arx_x5'
    result = up(dataset, other, 'episodes:=1')
    assert result.returncode == 2
    assert len(result.stderr.strip().splitlines()) == 1
    assert robot in result.stderr
    assert other in result.stderr
    assert len(DatasetReader(dataset).summaries()) == 1
