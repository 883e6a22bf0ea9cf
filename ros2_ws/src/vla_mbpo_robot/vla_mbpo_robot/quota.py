"""How many episodes are wanted, what the dataset holds already, and which scene and condition come next. Pure."""

from collections.abc import Collection
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace

from vla_mbpo.episodes.record import EpisodeRecord
from vla_mbpo.episodes.schema import Split
from vla_mbpo.errors import VlaMbpoError
from vla_mbpo.tasks import Condition
from vla_mbpo.tasks import TaskSpec

UNLABELLED = 'unlabelled'


@dataclass(frozen=True, kw_only=True)
class Goal:
    """What a session collects: so many labelled episodes of a task under these conditions of one split."""

    task: TaskSpec
    wanted: int
    conditions: tuple[Condition, ...]

    @property
    def split(self) -> Split:
        """The split that counts."""
        return self.conditions[0].split

    def counts(self, record: EpisodeRecord) -> bool:
        """Whether an episode belongs to what is collected, labelled or not."""
        return record.info.task == self.task.name and record.info.condition in {
            condition.name for condition in self.conditions
        }


@dataclass(frozen=True, kw_only=True)
class Unlabelled:
    """An episode that nobody has labelled, because its recorder was interrupted."""

    index: int
    statement: str
    """What is known of it, in words."""


@dataclass(frozen=True, kw_only=True)
class Stock:
    """What a dataset holds of a goal."""

    saved: int = 0
    """Labelled episodes."""
    succeeded: int = 0
    last: int | None = None
    """The labelled episode that was recorded last."""
    next_seed: int = 0
    """No saved episode has this scene seed or a later one."""
    unlabelled: tuple[Unlabelled, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One try to record an episode."""

    seed: int
    condition: Condition


@dataclass(frozen=True, kw_only=True)
class Tally:
    """Counts of a goal: `saved` and `succeeded` in the dataset, the others in this session."""

    wanted: int
    saved: int = 0
    succeeded: int = 0
    discarded: int = 0
    attempts: int = 0
    """Episodes that were stopped and labelled."""

    @property
    def is_complete(self) -> bool:
        """True when all wanted episodes are saved."""
        return self.saved >= self.wanted

    def with_saved(self, *, succeeded: bool) -> 'Tally':
        """One more saved episode."""
        return replace(
            self,
            saved=self.saved + 1,
            succeeded=self.succeeded + succeeded,
            attempts=self.attempts + 1,
        )

    def with_discarded(self) -> 'Tally':
        """One more discarded episode."""
        return replace(self, discarded=self.discarded + 1, attempts=self.attempts + 1)

    def with_stock(self, stock: Stock) -> 'Tally':
        """The same session, after the dataset was counted."""
        return replace(self, saved=stock.saved, succeeded=stock.succeeded)


def goal_of(task: TaskSpec, *, condition: str, split: Split, episodes: int) -> Goal:
    """The goal of `episodes` (0: as many as the task wants) under one condition, or all of a split if it is ''.

    Raises:
        UnknownNameError: the task has no such condition.
    """
    conditions = (task.condition(condition),) if condition else task.conditions_of(split)
    return Goal(task=task, wanted=episodes or task.demonstrations, conditions=conditions)


def take_stock(
    records: Sequence[EpisodeRecord], goal: Goal, *, removed: Collection[int] = ()
) -> Stock:
    """Count what the saved episodes contribute to a goal, without the removed ones; seeds of all are used up."""
    own = [record for record in records if goal.counts(record) and record.index not in removed]
    labelled = [record for record in own if record.result.outcome != UNLABELLED]
    return Stock(
        saved=len(labelled),
        succeeded=sum(record.result.outcome == 'success' for record in labelled),
        last=max((record.index for record in labelled), default=None),
        next_seed=max((record.info.seed + 1 for record in records), default=0),
        unlabelled=tuple(
            Unlabelled(index=record.index, statement=statement_of(record))
            for record in own
            if record.result.outcome == UNLABELLED
        ),
    )


def statement_of(record: EpisodeRecord) -> str:
    """What the operator is told of an episode that waits for a label."""
    what = 'was recovered after a crash' if record.result.recovered else 'has no label'
    details = '; '.join(filter(None, (f'{record.length} rows', record.quality.reasons)))
    return f'episode {record.index} {what}: {record.quality.verdict}, {details}'


def next_attempt(goal: Goal, tally: Tally, *, first_seed: int, max_attempts: int) -> Attempt:
    """The attempt that follows; a discarded one is repeated under its condition with another seed.

    Args:
        goal: What is collected.
        tally: Counts so far.
        first_seed: Scene seed of this session's first attempt; each attempt takes the next one.
        max_attempts: Attempts of this session per wanted episode; 0 for no limit.

    Raises:
        VlaMbpoError: more attempts than that were needed.
    """
    if max_attempts and tally.attempts >= max_attempts * tally.wanted:
        raise VlaMbpoError(
            f'gave up after {tally.attempts} attempts with {tally.saved} of {tally.wanted} '
            'episodes saved'
        )
    return Attempt(
        seed=first_seed + tally.attempts,
        condition=goal.conditions[tally.saved % len(goal.conditions)],
    )
