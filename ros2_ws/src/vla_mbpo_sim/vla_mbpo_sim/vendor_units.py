"""Gripper openings in metres to and from the vendor's own numbers (metres, strokes 0..100, ...)."""

from vla_mbpo.robots.schema import GripperSpec


def to_vendor(opening_m: float, gripper: GripperSpec) -> float:
    """Number at the vendor's interface for an opening; linear, not clipped."""
    fraction = (opening_m - gripper.closed_m) / (gripper.open_m - gripper.closed_m)
    return gripper.vendor_closed + fraction * (gripper.vendor_open - gripper.vendor_closed)


def from_vendor(number: float, gripper: GripperSpec) -> float:
    """Opening in metres for a number at the vendor's interface; linear, not clipped."""
    span = gripper.vendor_open - gripper.vendor_closed
    fraction = (number - gripper.vendor_closed) / span
    return gripper.closed_m + fraction * (gripper.open_m - gripper.closed_m)
