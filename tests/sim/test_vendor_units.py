import pytest

from vla_mbpo.robots import load_robot
from vla_mbpo_sim.vendor_units import from_vendor
from vla_mbpo_sim.vendor_units import to_vendor


def test_an_r1_gripper_is_half_open_at_stroke_50() -> None:
    gripper = load_robot('galaxea_r1').group('left_gripper').gripper
    assert gripper is not None
    assert to_vendor(0.05, gripper) == pytest.approx(50.0)
    assert from_vendor(50.0, gripper) == pytest.approx(0.05)
    assert from_vendor(101.8, gripper) == pytest.approx(0.1018)


def test_an_x5_gripper_is_in_metres_on_both_sides() -> None:
    gripper = load_robot('arx_x5').group('left_gripper').gripper
    assert gripper is not None
    assert to_vendor(0.03, gripper) == pytest.approx(0.03)
