"""What a collection session does next: which scene, which condition, how many are still wanted. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace

from vla_mbpo.errors import VlaMbpoError
from vla_mbpo.tasks import Condition
from vla_mbpo.tasks import TaskSpec


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One try to record an episode."""

    seed: int
    condition: Condition


@dataclass(frozen=True, kw_only=True)
class Tally:
    """Counts of a session."""

    wanted: int
    saved: int = 0
    succeeded: int = 0
    discarded: int = 0

    @property
    def attempts(self) -> int:
        """Episodes that were started."""
        return self.saved + self.discarded

    @property
    def is_complete(self) -> bool:
        """True when all wanted episodes are saved."""
        return self.saved >= self.wanted

    def with_saved(self, *, succeeded: bool) -> 'Tally':
        """One more saved episode."""
        return replace(self, saved=self.saved + 1, succeeded=self.succeeded + succeeded)

    def with_discarded(self) -> 'Tally':
        """One more discarded episode."""
        return replace(self, discarded=self.discarded + 1)


def conditions_for(task: TaskSpec, name: str) -> Sequence[Condition]:
    """The condition `name`, or all seen ones in turn if `name` is ''.

    Raises:
        UnknownNameError: the task has no such condition.
    """
    return (task.condition(name),) if name else task.conditions_of('seen')


def next_attempt(
    tally: Tally, conditions: Sequence[Condition], *, first_seed: int, max_attempts: int
) -> Attempt:
    """The attempt that follows the counted ones; a discarded one is repeated with another seed.

    Raises:
        VlaMbpoError: more than `max_attempts` attempts per wanted episode were needed.
    """
    if tally.attempts >= max_attempts * tally.wanted:
        raise VlaMbpoError(
            f'gave up after {tally.attempts} attempts with {tally.saved} of {tally.wanted} '
            'episodes saved'
        )
    return Attempt(
        seed=first_seed + tally.attempts,
        condition=conditions[tally.saved % len(conditions)],
    )
