"""Serial numbers of the hardware, from whoever owns it to whoever records with it."""

from rclpy.node import Node
from rclpy.publisher import Publisher
from std_msgs.msg import String

from vla_mbpo_robot import qos
from vla_mbpo_robot import topics


class SerialsPublisher:
    """Says once, to latecomers too, which devices a node drives."""

    def __init__(self, node: Node, serials: str) -> None:
        """`serials` is 'part=number, ...'; nothing is published when it is empty."""
        self._publisher: Publisher = node.create_publisher(String, topics.SERIALS, qos.LATCHED)
        if serials:
            self._publisher.publish(String(data=serials))


class SerialsListener:
    """Collects what the nodes of a robot say of their devices."""

    def __init__(self, node: Node) -> None:
        self._found: set[str] = set()
        node.create_subscription(String, topics.SERIALS, self._on_serials, qos.LATCHED_BY_MANY)

    @property
    def text(self) -> str:
        """All serial numbers so far, in alphabetical order."""
        return ', '.join(sorted(self._found))

    def _on_serials(self, message: String) -> None:
        self._found.update(part.strip() for part in message.data.split(',') if part.strip())
