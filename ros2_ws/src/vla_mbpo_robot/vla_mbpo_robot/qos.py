"""Quality of service of our topics."""

from rclpy.qos import DurabilityPolicy
from rclpy.qos import HistoryPolicy
from rclpy.qos import QoSProfile
from rclpy.qos import ReliabilityPolicy


def _profile(
    depth: int, reliability: ReliabilityPolicy, durability: DurabilityPolicy
) -> QoSProfile:
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=depth,
        reliability=reliability,
        durability=durability,
    )


# Best effort loses most raw images: one exceeds Fast DDS's default shared-memory segment.
IMAGE = _profile(2, ReliabilityPolicy.RELIABLE, DurabilityPolicy.VOLATILE)
# A recorder that is busy for a quarter of a second must not lose frames either.
RECORDED_IMAGE = _profile(8, ReliabilityPolicy.RELIABLE, DurabilityPolicy.VOLATILE)
# A recorder that is busy for a moment must not lose states or commands: half a second at 100 Hz.
STREAM = _profile(50, ReliabilityPolicy.RELIABLE, DurabilityPolicy.VOLATILE)
# Only the newest command counts; an old one must never be executed late.
COMMAND = _profile(1, ReliabilityPolicy.RELIABLE, DurabilityPolicy.VOLATILE)
# Latecomers get the last value at once.
LATCHED = _profile(1, ReliabilityPolicy.RELIABLE, DurabilityPolicy.TRANSIENT_LOCAL)
# Latched values of several publishers: with depth 1 a reader would keep only one of them.
LATCHED_BY_MANY = _profile(32, ReliabilityPolicy.RELIABLE, DurabilityPolicy.TRANSIENT_LOCAL)
# What rclpy's clock subscribes with.
CLOCK = _profile(1, ReliabilityPolicy.BEST_EFFORT, DurabilityPolicy.VOLATILE)
