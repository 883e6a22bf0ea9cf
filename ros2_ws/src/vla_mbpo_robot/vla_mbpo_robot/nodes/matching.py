"""Whether everybody who listens to a topic is already connected to its publisher."""

from rclpy.node import Node
from rclpy.publisher import Publisher


def unheard(node: Node, publisher: Publisher) -> str:
    """Why what `publisher` says now would not reach all listeners, or ''.

    The graph names a subscription before data flows to it; what is published in between is lost to it.
    """
    connected = publisher.get_subscription_count()
    known = node.count_subscribers(publisher.topic_name)
    if connected == 0:
        return f'nobody listens to {publisher.topic_name} yet'
    if connected < known:
        return f'{connected} of {known} listeners are connected to {publisher.topic_name} so far'
    return ''
