"""What a black box holds opens in the tools of others, after a clean end and after a kill."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from mcap.exceptions import McapError
from mcap.reader import NonSeekingReader
from mcap.reader import make_reader
from mcap_ros2.decoder import DecoderFactory
from rclpy.serialization import serialize_message
from rosbags.highlevel import AnyReader
from rosbags.typesys import Stores
from rosbags.typesys import get_typestore
from sensor_msgs.msg import JointState

from vla_mbpo_msgs.msg import FrameMetadata
from vla_mbpo_msgs.msg import GateState
from vla_mbpo_robot.black_box import BlackBox
from vla_mbpo_robot.black_box import Channel
from vla_mbpo_robot.black_box import Message
from vla_mbpo_robot.black_box import file_of
from vla_mbpo_robot.message_texts import definition

MS = 1_000_000
START_NS = 1_700_000_000_000_000_000
KINDS = {
    '/arx/joint_states': JointState,
    '/arx/command_gate/state': GateState,
    '/arx/head/color/metadata': FrameMetadata,
}


def type_name(kind: type) -> str:
    return f'{kind.__module__.split(".")[0]}/msg/{kind.__name__}'


CHANNELS = tuple(
    Channel(topic=topic, type_name=type_name(kind), definition=definition(type_name(kind)))
    for topic, kind in KINDS.items()
)


def joints(k: int) -> Message:
    message = JointState(name=['a', 'b'], position=[float(k), -float(k)])
    data = serialize_message(message)
    return Message(topic='/arx/joint_states', data=data, receipt_ns=START_NS + k * 10 * MS)


def gate(k: int) -> Message:
    data = serialize_message(
        GateState(state=GateState.HOLDING, reason=f'reason {k}', limited=['x'])
    )
    return Message(topic='/arx/command_gate/state', data=data, receipt_ns=START_NS + k * 10 * MS)


def metadata(k: int) -> Message:
    data = serialize_message(FrameMetadata(frame_number=k, clock_domain=2, exposure_s=0.01))
    return Message(topic='/arx/head/color/metadata', data=data, receipt_ns=START_NS + k * 10 * MS)


@pytest.fixture
def box(tmp_path: Path):
    made = BlackBox(tmp_path, CHANNELS)
    made.start()
    yield made
    made.close()


def numbers(path: Path) -> list[float]:
    """First joint of every joint state of a file, by the reader that needs no index."""
    with path.open('rb') as file:
        reader = NonSeekingReader(file, decoder_factories=[DecoderFactory()])
        return [
            decoded.position[0]
            for _, channel, _, decoded in reader.iter_decoded_messages(log_time_order=False)
            if channel.topic == '/arx/joint_states'
        ]


def test_another_tool_decodes_our_own_types_without_our_packages(box, tmp_path: Path) -> None:
    box.open(3, {'episode': '3', 'robot': 'arx_x5'})
    for k in range(50):
        for message in (joints(k), gate(k), metadata(k)):
            box.put(message)
    box.close()
    path = file_of(tmp_path, 3)
    with path.open('rb') as file:
        reader = make_reader(file, decoder_factories=[DecoderFactory()])
        assert {m.metadata['robot'] for m in reader.iter_metadata()} == {'arx_x5'}
        assert reader.get_header().profile == 'ros2'
        found = list(reader.iter_decoded_messages(topics=['/arx/command_gate/state']))
    assert [m.decoded_message.reason for m in found] == [f'reason {k}' for k in range(50)]
    assert found[7].message.log_time == START_NS + 70 * MS
    assert found[7].schema.name == 'vla_mbpo_msgs/msg/GateState'


def test_rosbags_reads_it_with_the_types_that_the_file_carries(box, tmp_path: Path) -> None:
    box.open(0, {})
    for k in range(20):
        box.put(joints(k))
        box.put(metadata(k))
    box.close()
    store = get_typestore(Stores.EMPTY)
    topic = '/arx/head/color/metadata'
    with AnyReader([file_of(tmp_path, 0)], default_typestore=store) as reader:
        assert reader.topics[topic].msgcount == 20
        wanted = [connection for connection in reader.connections if connection.topic == topic]
        frames = []
        for connection, stamp_ns, data in reader.messages(wanted):
            message = reader.deserialize(data, connection.msgtype)
            frames.append((stamp_ns, message.frame_number, message.clock_domain))
    assert frames == [(START_NS + k * 10 * MS, k, 2) for k in range(20)]


def test_a_file_begins_with_the_second_before_its_episode(box, tmp_path: Path) -> None:
    for k in range(300):
        box.put(joints(k))
    box.open(0, {})
    for k in range(300, 310):
        box.put(joints(k))
    box.close()
    assert numbers(file_of(tmp_path, 0)) == list(range(199, 310))


def test_each_episode_has_its_file_and_a_discarded_one_has_none(box, tmp_path: Path) -> None:
    box.open(0, {})
    box.put(joints(0))
    box.keep()
    box.open(1, {})
    box.put(joints(1))
    box.discard()
    box.open(1, {})
    box.put(joints(200))
    box.close()
    assert numbers(file_of(tmp_path, 0)) == [0]
    assert numbers(file_of(tmp_path, 1)) == [200]
    assert len(list(file_of(tmp_path, 0).parent.iterdir())) == 2


def test_what_an_interrupted_recorder_left_is_kept_under_another_name(tmp_path: Path) -> None:
    for k in (1, 2, 3):
        box = BlackBox(tmp_path, CHANNELS)
        box.start()
        box.open(0, {})
        box.put(joints(k))
        box.close()
    folder = file_of(tmp_path, 0).parent
    assert numbers(folder / 'episode-000000.mcap') == [3]
    assert numbers(folder / 'episode-000000-kept-1.mcap') == [1]
    assert numbers(folder / 'episode-000000-kept-2.mcap') == [2]


def test_a_disk_that_fails_is_told_and_the_next_episode_is_recorded(box, tmp_path: Path) -> None:
    folder = file_of(tmp_path, 0).parent
    folder.write_text('a file where the folder should be')
    box.open(0, {})
    box.put(joints(0))
    deadline_s = time.monotonic() + 5
    while box.error is None and time.monotonic() < deadline_s:
        time.sleep(0.01)
    assert isinstance(box.error, FileExistsError)
    box.keep()
    folder.unlink()
    box.open(1, {})
    box.put(joints(1))
    box.close()
    assert box.error is None
    assert numbers(file_of(tmp_path, 1))[-1] == 1


def test_messages_that_the_disk_cannot_take_are_counted_not_waited_for(tmp_path: Path) -> None:
    box = BlackBox(tmp_path, CHANNELS, max_queued=5)
    for k in range(8):
        box.put(joints(k))
    assert box.dropped == 3


KILLED = """
import sys, time
sys.path[:0] = {path!r}
from pathlib import Path
from test_black_box import CHANNELS, joints
from vla_mbpo_robot.black_box import BlackBox
box = BlackBox(Path(sys.argv[1]), CHANNELS)
box.start()
box.open(0, {{}})
for k in range(100_000):
    box.put(joints(k))
    if k == 5000:
        print('running', flush=True)
    if k % 100 == 99:
        time.sleep(0.005)
"""


def test_a_killed_writer_leaves_a_file_that_is_read_up_to_its_last_chunk(tmp_path: Path) -> None:
    code = KILLED.format(path=[str(Path(__file__).parent), *filter(None, sys.path)])
    process = subprocess.Popen(
        [sys.executable, '-c', code, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == 'running\n'
    time.sleep(0.2)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    path = file_of(tmp_path, 0)
    found = []
    with path.open('rb') as file:
        items = NonSeekingReader(file, decoder_factories=[DecoderFactory()])
        decoded = items.iter_decoded_messages(log_time_order=False)
        with suppress(McapError, EOFError):  # the end of the file is missing
            found.extend(item.decoded_message.position[0] for item in decoded)
    assert len(found) > 4000
    assert found == list(range(len(found)))
