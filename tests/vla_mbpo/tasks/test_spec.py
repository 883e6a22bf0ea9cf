"""Tasks: complete, consistent, and enough conditions for an evaluation."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from vla_mbpo.config import load
from vla_mbpo.errors import ConfigError
from vla_mbpo.errors import UnknownNameError
from vla_mbpo.errors import VlaMbpoError
from vla_mbpo.robots import robot_names
from vla_mbpo.tasks import TaskSpec
from vla_mbpo.tasks import load_task
from vla_mbpo.tasks import task_names
from vla_mbpo.tasks.spec import check_robot

MINIMAL: dict[str, Any] = {
    'name': 'point',
    'title': 'Point',
    'instruction': 'point at the cup',
    'robots': ['arx_x5'],
    'demonstrations': 10,
    'time_limit_s': 5,
    'reward_prompt': 'Does the arm point at the cup?',
    'conditions': [
        {'name': 'near', 'split': 'seen', 'description': 'Cup near the arm.'},
        {'name': 'far', 'split': 'unseen', 'description': 'Cup far from the arm.'},
    ],
    'failure_reasons': ['time limit'],
}


def written(folder: Path, **changes: object) -> TaskSpec:
    path = folder / 'point.yaml'
    path.write_text(yaml.safe_dump(MINIMAL | changes))
    return load(TaskSpec, path)


def test_the_papers_tasks_and_numbers_of_demonstrations() -> None:
    wanted = {name: load_task(name).demonstrations for name in task_names()}
    assert wanted == {
        'fold_towel': 60,
        'insert_pen': 100,
        'pick_cup': 100,
        'plug_cable': 50,
        'wipe_board': 100,
    }
    assert {load_task(name).autonomous_rollouts for name in task_names()} == {50}


def test_the_long_task_takes_more_samples_than_the_others() -> None:
    samples = {name: load_task(name).rl_samples for name in task_names()}
    assert {name for name, count in samples.items() if count == 1280} == {'fold_towel'}
    assert set(samples.values()) == {512, 1280}


@pytest.mark.parametrize('name', task_names())
def test_trials_divide_evenly_among_the_conditions_of_their_split(name: str) -> None:
    task = load_task(name)
    plan = task.evaluation
    assert (plan.seen_trials, plan.unseen_trials) == (30, 20)
    assert plan.seen_trials % len(task.conditions_of('seen')) == 0
    assert plan.unseen_trials % len(task.conditions_of('unseen')) == 0
    assert task.demonstrations % 10 == 0


@pytest.mark.parametrize('name', task_names())
def test_texts_are_ready_for_operators_and_models(name: str) -> None:
    task = load_task(name)
    instructions = [c.instruction for c in task.conditions if c.instruction]
    for instruction in (task.instruction, *instructions):
        assert instruction == instruction.strip().lower()
        assert not instruction.endswith('.')
    assert all(condition.description.endswith('.') for condition in task.conditions)
    assert '\n' not in task.reward_prompt
    assert f'the task: {task.instruction} is successfully completed' in task.reward_prompt
    assert 'time limit' in task.failure_reasons


def test_pick_cup_is_for_every_robot_and_its_scene_changes_one_thing_at_a_time() -> None:
    task = load_task('pick_cup')
    assert task.robots == robot_names()
    assert task.time_limit_s == 20
    seen = [condition.scene for condition in task.conditions_of('seen')]
    assert len({scene['cup_color'] for scene in seen}) == len(seen)
    for condition in task.conditions_of('unseen'):
        differences = [
            len(condition.scene.items() - scene.items()) for scene in seen if condition.scene
        ]
        assert min(differences) == (0 if condition.name == 'other_words' else 1)


def test_unknown_names_list_what_exists() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown task 'pick_cap'; known: .*'pick_cup'\?"):
        load_task('pick_cap')
    with pytest.raises(UnknownNameError, match=r"condition 'red_cap' in task pick_cup; known: red"):
        load_task('pick_cup').condition('red_cap')
    assert load_task('pick_cup').condition('red_cup').split == 'seen'


def test_a_robot_that_the_task_is_not_for_is_refused(tmp_path: Path) -> None:
    task = written(tmp_path)
    check_robot(task, 'arx_x5')
    with pytest.raises(
        VlaMbpoError, match='point is not defined for galaxea_r1; it is for: arx_x5'
    ):
        check_robot(task, 'galaxea_r1')


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'instuction': 'x'}, "instuction: unknown key.*Did you mean 'instruction'?"),
        ({'demonstrations': 0}, 'demonstrations: .*greater than or equal to 1, got 0'),
        ({'demonstrations': 2.5}, 'demonstrations: .*2.5'),
        ({'conditions': MINIMAL['conditions'][:1]}, "conditions: none of split 'unseen'"),
        ({'conditions': MINIMAL['conditions'] * 2}, 'conditions: far, near given twice'),
        ({'conditions': [{'name': 'a', 'split': 'maybe'}]}, "conditions.0.split: .*'maybe'"),
    ],
)
def test_mistakes_are_refused(changes: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        written(tmp_path, **changes)
