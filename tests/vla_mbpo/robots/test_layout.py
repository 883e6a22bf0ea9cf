"""Layouts: which number is what."""

import numpy as np
import pytest

from vla_mbpo.errors import ShapeError
from vla_mbpo.errors import UnknownNameError
from vla_mbpo.robots import Layout
from vla_mbpo.robots import load_robot


@pytest.fixture
def layout() -> Layout:
    return load_robot('arx_x5').action


def test_groups_are_contiguous_and_cover_the_vector(layout: Layout) -> None:
    stops = [layout.slice(group) for group in layout.groups]
    assert stops[0].start == 0
    assert [s.stop for s in stops] == [*(s.start for s in stops[1:]), layout.width]


def test_names_units_and_limits_belong_together(layout: Layout) -> None:
    index = layout.index('right_gripper')
    assert layout.names[index] == 'right_gripper'
    assert layout.units[index] == 'm'
    assert (layout.lower[index], layout.upper[index]) == (0.0, 0.088)
    assert layout.max_rate[index] == 0.2
    assert not layout.is_velocity.any()


def test_unknown_names_list_what_exists(layout: Layout) -> None:
    with pytest.raises(UnknownNameError, match=r"dim 'left_joint8'.*Did you mean"):
        layout.index('left_joint8')
    with pytest.raises(UnknownNameError, match="group 'torso'; known: left_arm, left_gripper"):
        layout.slice('torso')


def test_a_vector_of_another_width_is_refused(layout: Layout) -> None:
    vector = np.zeros(layout.width)
    assert layout.check(vector, 'command') is vector
    with pytest.raises(ShapeError, match=r'command: expected shape \(14,\), got \(1, 14\)'):
        layout.check(vector[None], 'command')
