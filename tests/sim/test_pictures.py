import numpy as np
import pytest

from vla_mbpo.errors import UnknownNameError
from vla_mbpo.robots import load_robot
from vla_mbpo.robots import robot_names
from vla_mbpo.tasks import load_task
from vla_mbpo_sim.twin import Twin


def difference(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Greatest change of a colour, [H, W]."""
    return np.asarray(np.abs(first.astype(int) - second.astype(int)).max(axis=2))


@pytest.mark.parametrize('name', robot_names())
def test_the_head_camera_sees_the_cup_wherever_it_stands(name: str) -> None:
    twin = Twin(load_robot(name), load_task('pick_cup'))
    for seed in range(8):
        pictures = []
        for condition in ('red_cup', 'blue_cup'):
            twin.reset(seed, condition)
            pictures.append(twin.render('head', (320, 240)))
        assert (difference(*pictures) > 60).sum() > 60
    twin.close()


def test_a_picture_has_the_size_that_is_asked_for(twin: Twin) -> None:
    twin.reset(0, 'red_cup')
    assert twin.render('head').shape == (480, 640, 3)
    assert twin.render('left_wrist', (64, 48)).shape == (48, 64, 3)
    assert twin.render('head', (800, 600)).shape == (600, 800, 3)
    assert twin.render('head').dtype == np.uint8


def test_a_small_picture_shows_what_the_large_one_shows(twin: Twin) -> None:
    twin.reset(0, 'red_cup')
    large, small = twin.render('head', (640, 480)), twin.render('head', (64, 48))
    averaged = large.reshape(48, 10, 64, 10, 3).mean(axis=(1, 3))
    assert np.abs(averaged - small).mean() < 6.0


def test_a_picture_depends_on_the_joints_alone(twin: Twin) -> None:
    twin.reset(0, 'red_cup')
    twin.command(twin.robot.action.home + 0.2)
    twin.advance(0.3)
    moving = twin.render('head', (320, 240))
    twin.restore(twin.snapshot())
    np.testing.assert_array_equal(twin.render('head', (320, 240)), moving)


def test_drawing_does_not_change_the_physics(twin: Twin) -> None:
    twin.reset(0, 'red_cup')
    twin.command(twin.robot.action.home + 0.2)
    twin.advance(0.2)
    before = twin.snapshot()
    twin.render('head', (64, 64))
    assert twin.snapshot().tobytes() == before.tobytes()


def test_an_unknown_camera_is_refused(twin: Twin) -> None:
    with pytest.raises(UnknownNameError, match=r'unknown camera .tail'):
        twin.render('tail')
