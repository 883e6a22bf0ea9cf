"""A session goes through conditions, repeats failures with new seeds, and gives up in the end."""

import pytest

from vla_mbpo.errors import UnknownNameError
from vla_mbpo.errors import VlaMbpoError
from vla_mbpo.tasks import load_task
from vla_mbpo_robot.collection import Tally
from vla_mbpo_robot.collection import conditions_for
from vla_mbpo_robot.collection import next_attempt


def attempt(tally: Tally):
    conditions = conditions_for(load_task('pick_cup'), '')
    return next_attempt(tally, conditions, first_seed=100, max_attempts=2)


def test_saved_episodes_walk_through_the_seen_conditions() -> None:
    conditions = conditions_for(load_task('pick_cup'), '')
    assert {c.split for c in conditions} == {'seen'}
    tally = Tally(wanted=3)
    names = []
    for _ in range(3):
        names.append(attempt(tally).condition.name)
        tally = tally.with_saved(succeeded=True)
    assert names == [conditions[i % len(conditions)].name for i in range(3)]
    assert tally.is_complete


def test_a_discarded_episode_is_repeated_under_its_condition_with_another_seed() -> None:
    first = attempt(Tally(wanted=3))
    second = attempt(Tally(wanted=3).with_discarded())
    assert first.condition == second.condition
    assert (first.seed, second.seed) == (100, 101)


def test_a_failure_that_is_kept_counts_as_saved_but_not_as_success() -> None:
    tally = Tally(wanted=2).with_saved(succeeded=False)
    assert (tally.saved, tally.succeeded, tally.attempts) == (1, 0, 1)


def test_too_many_failures_end_the_session_with_the_count() -> None:
    tally = Tally(wanted=1).with_discarded().with_discarded()
    with pytest.raises(VlaMbpoError, match='gave up after 2 attempts with 0 of 1 episodes'):
        attempt(tally)


def test_a_named_condition_is_the_only_one_and_an_unknown_one_is_refused() -> None:
    task = load_task('pick_cup')
    name = task.conditions_of('unseen')[0].name
    assert [c.name for c in conditions_for(task, name)] == [name]
    with pytest.raises(UnknownNameError, match=task.conditions[0].name):
        conditions_for(task, 'moonlight')
