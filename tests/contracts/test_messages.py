"""The generated interfaces work between nodes of this Python, without a sourced workspace."""

import time
from collections.abc import Callable
from collections.abc import Iterator

import pytest
import rclpy
from rclpy.node import Node

from vla_mbpo_msgs.msg import GateState
from vla_mbpo_msgs.srv import StartEpisode

pytestmark = pytest.mark.ros
TIMEOUT_S = 20.0


@pytest.fixture
def node() -> Iterator[Node]:
    context = rclpy.Context()
    rclpy.init(context=context)
    made = rclpy.create_node('messages_under_test', context=context)
    yield made
    made.destroy_node()
    rclpy.try_shutdown(context=context)


def spin_until(
    node: Node, done: Callable[[], bool], each: Callable[[], None] = lambda: None
) -> None:
    """Serve `node` and call `each` about 20 times a second until `done`; fails after TIMEOUT_S."""
    executor = rclpy.executors.SingleThreadedExecutor(context=node.context)
    executor.add_node(node)
    deadline_s = time.monotonic() + TIMEOUT_S
    while not done():
        assert time.monotonic() < deadline_s, f'nothing arrived within {TIMEOUT_S} s'
        each()
        executor.spin_once(timeout_sec=0.05)
    executor.shutdown()


def test_gate_state_arrives_as_it_was_sent(node: Node) -> None:
    received: list[GateState] = []
    node.create_subscription(GateState, 'gate_state', received.append, 1)
    publisher = node.create_publisher(GateState, 'gate_state', 1)
    sent = GateState(
        state=GateState.HOLDING, reason='command too old', limited=['left_joint2: velocity']
    )
    spin_until(node, lambda: bool(received), each=lambda: publisher.publish(sent))
    assert received[0] == sent


def test_start_episode_is_answered(node: Node) -> None:
    def start(
        request: StartEpisode.Request, response: StartEpisode.Response
    ) -> StartEpisode.Response:
        response.success = request.split == 'seen' and request.seed == -1
        response.episode_index = 7
        return response

    node.create_service(StartEpisode, 'start_episode', start)
    client = node.create_client(StartEpisode, 'start_episode')
    assert client.wait_for_service(TIMEOUT_S)
    future = client.call_async(StartEpisode.Request(split='seen', seed=-1, operator_name='anyone'))
    spin_until(node, future.done)
    assert (future.result().success, future.result().episode_index) == (True, 7)


def test_a_field_of_the_wrong_type_is_refused_in_tests() -> None:
    with pytest.raises(AssertionError):
        GateState(state='running')
