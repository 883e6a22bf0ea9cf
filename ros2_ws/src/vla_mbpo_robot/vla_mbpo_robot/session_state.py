"""Fields of a collection session, and what its handlers share."""

from typing import Literal

from vla_mbpo_robot.collection_io import Action
from vla_mbpo_robot.collection_io import Arm
from vla_mbpo_robot.collection_io import Discard
from vla_mbpo_robot.collection_io import Edit
from vla_mbpo_robot.collection_io import Engage
from vla_mbpo_robot.collection_io import Moment
from vla_mbpo_robot.collection_io import Observation
from vla_mbpo_robot.collection_io import Phase
from vla_mbpo_robot.collection_io import Request
from vla_mbpo_robot.collection_io import Rules
from vla_mbpo_robot.collection_io import Save
from vla_mbpo_robot.collection_io import Sound
from vla_mbpo_robot.collection_io import Stop
from vla_mbpo_robot.operator.events import OperatorEvent
from vla_mbpo_robot.operator.sounds import Cue
from vla_mbpo_robot.quota import Attempt
from vla_mbpo_robot.quota import Goal
from vla_mbpo_robot.quota import Tally
from vla_mbpo_robot.review import Reviews

REFUSED = 'not started: '
LABELS = (OperatorEvent.SUCCESS, OperatorEvent.FAILURE, OperatorEvent.DISCARD)


class SessionState:
    """Where a session is, what was asked and not answered yet, and what is to be done."""

    def __init__(self, goal: Goal, rules: Rules) -> None:
        self.phase = Phase.WAITING
        self.message = 'waiting for the other nodes'
        """What the operator should know or do now."""
        self.notice = ''
        """What a press that does nothing is answered with."""
        self.verdict = ''
        """Of the episode that waits for its label, or of the last one."""
        self.tally = Tally(wanted=goal.wanted)
        self.attempt: Attempt | None = None
        self.error = ''
        """Why the session failed."""
        self.is_finished = False
        self._goal = goal
        self._rules = rules
        self._first_seed = rules.first_seed
        self._reviews = Reviews()
        self._out: list[Action] = []
        self._now = Moment(time_s=0.0, wall_s=0.0)
        self._seen = Observation()
        self._since_s: float | None = None
        """Wall time at which the present wait began."""
        self._asked: set[type[Request]] = set()
        """Requests without an answer yet."""
        self._is_armed = False
        self._is_paused = False
        self._is_quitting = False
        self._wants_start = False
        self._wants_undo = False
        self._settled_s: float | None = None
        self._step: Literal['arm', 'count', 'start', 'engage'] = 'arm'
        self._counted = 0
        self._started_s = 0.0
        self._success_s: float | None = None
        self._before_label = self.tally

    def inputs(self) -> tuple[OperatorEvent, ...]:
        """Events that do something now."""
        found: list[OperatorEvent] = []
        if self.phase is Phase.RESETTING and self._is_laid_out and self._rules.is_attended:
            found.append(OperatorEvent.START)
        if self.phase is Phase.RECORDING or self._can_abort:
            found.append(OperatorEvent.STOP)
        if self.phase is Phase.JUDGING and not self._asked & {Stop, Edit}:
            found += LABELS
        if self._can_undo or self.phase in {Phase.RESETTING, Phase.SAVING}:
            found.append(OperatorEvent.UNDO)
        return (*found, OperatorEvent.PAUSE, OperatorEvent.QUIT)

    def _end(self) -> None:
        self._go(Phase.DONE, f'{self.tally.saved} episodes saved')
        self.is_finished = True

    def _fail(self, reason: str) -> None:
        self.error = reason
        self._go(Phase.FAILED, reason)
        self._out.append(Sound(cue=Cue.ERROR))
        self.is_finished = True

    def _refuse(self, reason: str) -> None:
        self._wants_start = False
        self._out.append(Sound(cue=Cue.ERROR))
        self._say(REFUSED + reason)

    @property
    def _is_saving(self) -> bool:
        return bool(self._asked & {Save, Discard})

    @property
    def _is_laid_out(self) -> bool:
        return (
            self._settled_s is not None and self._now.time_s >= self._settled_s
        ) and not self._is_armed

    @property
    def _is_idle(self) -> bool:
        """True where the session can end at once."""
        if self.phase is Phase.JUDGING:
            return self._reviews.current is not None and not self._asked
        return self.phase in {Phase.WAITING, Phase.PREFLIGHT, Phase.DONE}

    @property
    def _can_abort(self) -> bool:
        return self.phase is Phase.COUNTDOWN and self._step in {'arm', 'count'}

    @property
    def _can_undo(self) -> bool:
        if self._asked - {Arm, Engage}:
            return False
        if self.phase is Phase.JUDGING:
            return self._reviews.current is not None
        return self.phase is Phase.DONE or (self.phase is Phase.RESETTING and self._is_laid_out)

    def _arm(self, *, on: bool) -> None:
        self._is_armed = True
        self._ask(Arm(on=on))

    def _ask(self, request: Request) -> None:
        """Unless the same is asked already."""
        if type(request) in self._asked and not _switches_off(request):
            return
        self._asked.add(type(request))
        self._out.append(request)

    def _go(self, phase: Phase, message: str) -> None:
        self.phase, self._since_s = phase, self._now.wall_s
        self._say(message)

    def _say(self, message: str) -> None:
        if message != self.message:
            self.message, self.notice = message, ''

    def _waited_s(self) -> float:
        return self._now.wall_s - (self._now.wall_s if self._since_s is None else self._since_s)

    def _take(self) -> tuple[Action, ...]:
        taken, self._out = tuple(self._out), []
        return taken


def _switches_off(request: Request) -> bool:
    return isinstance(request, Arm | Engage) and not request.on
