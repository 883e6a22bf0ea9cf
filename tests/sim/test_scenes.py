import numpy as np
import pytest

from vla_mbpo.errors import ConfigError
from vla_mbpo.errors import UnknownNameError
from vla_mbpo.robots import load_robot
from vla_mbpo.tasks import load_task
from vla_mbpo_sim.scenes.layout import tabletop_layout
from vla_mbpo_sim.scenes.pick_cup import parse_settings
from vla_mbpo_sim.twin import Twin

TASK = load_task('pick_cup')
GOOD = {'cup_color': 'red', 'table_color': 'wood', 'region': 'seen', 'distractor': 'none'}


@pytest.mark.parametrize('name', TASK.robots)
def test_every_condition_of_the_task_can_be_laid_out(name: str) -> None:
    twin = Twin(load_robot(name), TASK)
    layout = tabletop_layout(name)
    for condition in TASK.conditions:
        assert condition.scene is not None
        region = layout.regions[str(condition.scene['region'])]
        for seed in range(5):
            twin.reset(seed, condition.name)
            x, y, z = twin.objects()['cup'].xyz_m
            assert region.x_m[0] <= x <= region.x_m[1]
            assert region.y_m[0] <= y <= region.y_m[1]
            assert z == pytest.approx(layout.table.top_m + 0.04)
            assert not twin.success()


@pytest.mark.parametrize('name', TASK.robots)
def test_the_unseen_region_is_2_cm_beside_the_seen_one(name: str) -> None:
    regions = tabletop_layout(name).regions
    seen, unseen = regions['seen'], regions['unseen']
    gap_x = max(unseen.x_m[0] - seen.x_m[1], seen.x_m[0] - unseen.x_m[1])
    gap_y = max(unseen.y_m[0] - seen.y_m[1], seen.y_m[0] - unseen.y_m[1])
    assert max(gap_x, gap_y) >= 0.02 - 1e-9


def test_a_cup_in_the_air_is_no_success_unless_two_fingers_hold_it(twin: Twin) -> None:
    twin.reset(0, 'red_cup')
    twin.data.joint('cup').qpos[2] += 0.2
    twin.advance(0.01)
    assert twin.objects()['cup'].xyz_m[2] > 0.2
    assert not twin.success()


def test_the_cup_stays_where_it_was_put(twin: Twin) -> None:
    twin.reset(3, 'red_cup')
    before = twin.objects()['cup'].xyz_m
    twin.advance(2.0)
    np.testing.assert_allclose(twin.objects()['cup'].xyz_m, before, atol=1e-3)


def test_a_distractor_stands_on_the_table_only_where_a_condition_wants_it(twin: Twin) -> None:
    twin.reset(0, 'with_bowl')
    assert twin.model.body('bowl').pos[2] == 0.0
    twin.reset(0, 'red_cup')
    assert twin.model.body('bowl').pos[2] < -1.0


def test_a_missing_or_unknown_setting_is_refused() -> None:
    layout = tabletop_layout('arx_x5')
    wrong = {**GOOD, 'cup_colour': 'red'}
    del wrong['cup_color']
    with pytest.raises(ConfigError, match=r'cup_colour: unknown key.*cup_color: missing key'):
        parse_settings(wrong, layout)


@pytest.mark.parametrize('key', ['cup_color', 'table_color', 'region', 'distractor'])
def test_an_unknown_value_is_refused_with_the_known_ones(key: str) -> None:
    with pytest.raises(UnknownNameError, match=f"unknown {key} 'plaid'.*known: "):
        parse_settings({**GOOD, key: 'plaid'}, tabletop_layout('arx_x5'))
