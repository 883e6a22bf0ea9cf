"""What counts towards a goal: labelled episodes of its task and conditions; and which attempt comes next."""

import pytest

from vla_mbpo.episodes.quality import Quality
from vla_mbpo.episodes.record import EpisodeRecord
from vla_mbpo.episodes.schema import EpisodeInfo
from vla_mbpo.episodes.schema import EpisodeResult
from vla_mbpo.errors import UnknownNameError
from vla_mbpo.errors import VlaMbpoError
from vla_mbpo.tasks import load_task
from vla_mbpo_robot.quota import Goal
from vla_mbpo_robot.quota import Tally
from vla_mbpo_robot.quota import goal_of
from vla_mbpo_robot.quota import next_attempt
from vla_mbpo_robot.quota import take_stock

TASK = load_task('pick_cup')
QUALITY = Quality(
    flagged_rows=0,
    skew_p50_ms=0.0,
    skew_p95_ms=0.0,
    max_skew_ms=0.0,
    rate_hz=15.0,
    verdict='usable',
    reasons='recovered: 83 of 90 rows',
)


def record(index: int, outcome='success', *, condition='red_cup', task='pick_cup', seed=-1):
    info = EpisodeInfo(task=task, instruction='', condition=condition, seed=seed)
    return EpisodeRecord(
        index=index,
        length=83,
        first_index=0,
        task_index=0,
        recording_id=str(index),
        info=info,
        result=EpisodeResult(outcome=outcome, recovered=outcome == 'unlabelled'),
        quality=QUALITY,
        skew_budget_ns=0,
        sync_report='{}',
        histograms={},
    )


def goal(condition: str = '', split='seen', episodes: int = 5) -> Goal:
    return goal_of(TASK, condition=condition, split=split, episodes=episodes)


def test_labelled_episodes_of_the_split_count_and_removed_ones_do_not() -> None:
    records = [
        record(0),
        record(1, 'failure', condition='blue_cup'),
        record(2, condition='purple_cup'),
        record(3, task='fold_towel'),
        record(4),
        record(5, 'unlabelled'),
    ]
    stock = take_stock(records, goal(), removed={4})
    assert (stock.saved, stock.succeeded, stock.last) == (2, 1, 1)
    assert [episode.index for episode in stock.unlabelled] == [5]
    assert take_stock(records, goal(split='unseen')).saved == 1


def test_a_named_condition_counts_alone_and_brings_its_split() -> None:
    records = [record(0), record(1, condition='with_bowl')]
    named = goal('with_bowl')
    assert named.split == 'unseen'
    assert take_stock(records, named).saved == 1
    with pytest.raises(UnknownNameError, match='red_cup'):
        goal('moonlight')


def test_seeds_go_on_after_all_that_were_saved_also_removed_ones() -> None:
    records = [record(0, seed=3), record(1, seed=7, condition='purple_cup')]
    assert take_stock(records, goal(), removed={1}).next_seed == 8
    assert take_stock([record(0)], goal()).next_seed == 0
    assert take_stock([], goal()).next_seed == 0


def test_a_recovered_episode_says_what_was_recovered() -> None:
    (left,) = take_stock([record(7, 'unlabelled')], goal()).unlabelled
    assert left.statement == (
        'episode 7 was recovered after a crash: usable, 83 rows; recovered: 83 of 90 rows'
    )


def test_a_discarded_episode_is_repeated_under_its_condition_with_another_seed() -> None:
    first = next_attempt(goal(), Tally(wanted=5), first_seed=100, max_attempts=2)
    again = next_attempt(goal(), Tally(wanted=5).with_discarded(), first_seed=100, max_attempts=2)
    assert first.condition == again.condition
    assert (first.seed, again.seed) == (100, 101)


def test_no_number_asked_for_is_the_number_that_the_task_wants() -> None:
    assert goal(episodes=0).wanted == TASK.demonstrations


def test_patience_counts_the_attempts_of_this_session_only_and_0_has_no_end() -> None:
    tally = Tally(wanted=1, saved=0).with_discarded().with_discarded()
    with pytest.raises(VlaMbpoError, match='gave up after 2 attempts with 0 of 1 episodes'):
        next_attempt(goal(), tally, first_seed=0, max_attempts=2)
    assert next_attempt(goal(), tally, first_seed=0, max_attempts=0).seed == 2
