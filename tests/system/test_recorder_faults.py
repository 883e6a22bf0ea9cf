"""The recorder and the black box as processes: faults of every kind in one episode, through real DDS."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
import rclpy
from mcap.reader import make_reader
from mcap_ros2.decoder import DecoderFactory
from rclpy.node import Node
from rosbags.highlevel import AnyReader
from synthetic_robot import burst
from synthetic_robot import clock_set
from synthetic_robot import events
from synthetic_robot import frozen
from synthetic_robot import pairing
from synthetic_robot import stalled
from synthetic_ros import call
from synthetic_ros import play

from vla_mbpo.episodes.reader import DatasetReader
from vla_mbpo.episodes.schema import ClockDomain
from vla_mbpo.episodes.schema import DatasetSpec
from vla_mbpo.episodes.schema import Flag
from vla_mbpo.episodes.schema import domain_key
from vla_mbpo.episodes.schema import frame_number_key
from vla_mbpo.robots import load_robot
from vla_mbpo.robots.calibration import calibration_hash
from vla_mbpo_msgs.srv import DiscardEpisode
from vla_mbpo_msgs.srv import FinishEpisode
from vla_mbpo_msgs.srv import StartEpisode
from vla_mbpo_robot.black_box import file_of
from vla_mbpo_robot.bringup import node_environment

pytestmark = [pytest.mark.ros, pytest.mark.timeout(120)]
ROBOT = load_robot('arx_x5')
SECONDS = 9.0
LEAD_S = 6.0
"""Until everybody is connected."""
BEGIN_S = 0.5
STOPPED_S = (7.0, 8.4)
"""The recorder's whole process stands still."""
FAULTS = (
    stalled('left_wrist', 1.5, 2.0),
    burst('head', 2.6, 3.0),
    frozen('right_wrist', 3.608, 4.0, place=2),
    clock_set('left_wrist', 4.8, 5.6, by_s=-0.3),
)


@pytest.fixture(scope='module')
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What recorder and black box wrote: one episode under faults, and one that was discarded."""
    root = tmp_path_factory.mktemp('faults') / 'set'
    with pytest.MonkeyPatch.context() as patch:
        # As bring-up starts nodes: pictures find room in shared memory.
        for name, value in node_environment(os.environ).items():
            patch.setenv(name, value)
        rclpy.init()
        node = rclpy.create_node('operator')
        try:
            with running(root) as processes:
                record(node, processes['episode_recorder'])
        finally:
            node.destroy_node()
            rclpy.shutdown()
    return root


@contextmanager
def running(root: Path) -> Iterator[dict[str, subprocess.Popen]]:
    """A recorder and a black box of one dataset; both end by themselves when asked to."""
    found = {}
    for name in ('episode_recorder', 'black_box'):
        code = f'import sys; from vla_mbpo_robot.nodes.{name} import main; sys.exit(main())'
        arguments = ['--ros-args', '-p', f'dataset_dir:={root}']
        found[name] = subprocess.Popen([sys.executable, '-c', code, *arguments])
    try:
        yield found
    finally:
        for process in found.values():
            process.send_signal(signal.SIGINT)
        codes = [process.wait(10) for process in found.values()]
    assert codes == [0, 0]


def record(node: Node, recorder: subprocess.Popen) -> None:
    """Play the faults, save the episode, discard another one."""
    start = node.create_client(StartEpisode, 'episode/start')
    finish = node.create_client(FinishEpisode, 'episode/finish')
    discard = node.create_client(DiscardEpisode, 'episode/discard')
    request = StartEpisode.Request(task='pick_cup', instruction='pick', split='seen', seed=-1)
    start_ns = time.time_ns() + round(LEAD_S * 1e9)
    played = events(DatasetSpec.of_robot(ROBOT), SECONDS, *FAULTS)
    child = get_context('spawn').Process(target=play, args=(ROBOT.name, start_ns, played))
    child.start()
    sleep_until(start_ns, BEGIN_S)
    assert call(node, start, request).success
    sleep_until(start_ns, STOPPED_S[0])
    recorder.send_signal(signal.SIGSTOP)
    sleep_until(start_ns, STOPPED_S[1])
    recorder.send_signal(signal.SIGCONT)
    sleep_until(start_ns, SECONDS)
    answer = call(node, finish, FinishEpisode.Request(outcome='success'))
    assert answer.success, answer.message
    assert call(node, start, request).success
    time.sleep(0.5)
    assert call(node, discard, DiscardEpisode.Request(reason='test')).success
    time.sleep(0.5)
    child.join()


def sleep_until(start_ns: int, time_s: float) -> None:
    time.sleep(max(start_ns / 1e9 + time_s - time.time(), 0.0))


def test_no_row_is_wrong_without_a_flag(dataset: Path) -> None:
    with DatasetReader(dataset) as reader:
        found = pairing(reader.episode(0), ROBOT.camera_names)
    assert len(found.flags) >= 110
    assert found.is_wrong.any()
    assert found.unflagged_wrong == []
    assert np.count_nonzero(found.flags == 0) >= 40
    assert (found.flagged_between(1.6, 1.9) & Flag.SKEW_OVER_BUDGET).all()
    assert (found.flagged_between(3.75, 3.95) & Flag.REPEATED_FRAME).all()
    assert (found.flagged_between(4.95, 5.5) & Flag.REJECTED_STAMP).all()


def test_clock_domain_frame_numbers_and_calibration_are_stored(dataset: Path) -> None:
    with DatasetReader(dataset) as reader:
        episode = reader.episode(0)
    for camera in ROBOT.camera_names:
        numbers = episode[frame_number_key(camera)]
        assert np.mean(episode[domain_key(camera)] == ClockDomain.GLOBAL) > 0.9
        assert (np.diff(numbers[numbers >= 0]) >= 0).all()
    assert episode.info.calibration_hash == calibration_hash(ROBOT.name)
    assert episode.info.robot_serials == ''
    assert episode.result.outcome == 'success'


def test_the_black_box_holds_every_joint_state_for_other_people_s_tools(dataset: Path) -> None:
    with AnyReader([file_of(dataset, 0)]) as reader:
        connections = [c for c in reader.connections if c.topic == '/joint_states']
        times = [
            reader.deserialize(data, connection.msgtype).position[0]
            for connection, _, data in reader.messages(connections)
        ]
        assert reader.topics['/head/color/metadata'].msgcount > 200
    assert times[0] < BEGIN_S
    assert times[-1] > SECONDS - 0.1
    np.testing.assert_allclose(np.diff(times), 0.01, atol=1e-9)
    with file_of(dataset, 0).open('rb') as file:
        items = make_reader(file, decoder_factories=[DecoderFactory()])
        decoded = items.iter_decoded_messages(['/episode/status'])
        rows = [item.decoded_message.rows for item in decoded]
    assert max(rows) > 90


def test_a_discarded_episode_has_no_black_box(dataset: Path) -> None:
    assert [path.name for path in file_of(dataset, 0).parent.iterdir()] == ['episode-000000.mcap']
