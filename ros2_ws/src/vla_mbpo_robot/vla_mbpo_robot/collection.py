"""A collection session as a state machine: events, observations and answers in, actions out. No ROS and no clock.

It serves a person at a robot, and the twin, where the success detector takes the person's place.
"""

from collections.abc import Callable
from collections.abc import Mapping

from vla_mbpo.errors import VlaMbpoError
from vla_mbpo_robot.collection_io import Action
from vla_mbpo_robot.collection_io import Announce
from vla_mbpo_robot.collection_io import Answer
from vla_mbpo_robot.collection_io import Arm
from vla_mbpo_robot.collection_io import Discard
from vla_mbpo_robot.collection_io import Edit
from vla_mbpo_robot.collection_io import Engage
from vla_mbpo_robot.collection_io import Moment
from vla_mbpo_robot.collection_io import Observation
from vla_mbpo_robot.collection_io import Phase
from vla_mbpo_robot.collection_io import Recall
from vla_mbpo_robot.collection_io import Request
from vla_mbpo_robot.collection_io import Reset
from vla_mbpo_robot.collection_io import Save
from vla_mbpo_robot.collection_io import Sound
from vla_mbpo_robot.collection_io import Start
from vla_mbpo_robot.collection_io import Stop
from vla_mbpo_robot.corrections import LABEL_KEYS
from vla_mbpo_robot.corrections import Corrections
from vla_mbpo_robot.operator.events import OperatorEvent
from vla_mbpo_robot.operator.sounds import Cue
from vla_mbpo_robot.quota import Attempt
from vla_mbpo_robot.quota import next_attempt
from vla_mbpo_robot.session_state import LABELS
from vla_mbpo_robot.session_state import REFUSED

_LOSS_AFTER_S = 0.5  # until then the recorder may still report what it said before the episode


class Collection(Corrections):
    """One session: `tick`, `press` and `answer` return what is to be done; every `Request` must be answered."""

    def tick(self, now: Moment, seen: Observation) -> tuple[Action, ...]:
        """Time has passed."""
        self._now, self._seen = now, seen
        self._since_s = now.wall_s if self._since_s is None else self._since_s
        handlers: Mapping[Phase, Callable[[], None]] = {
            Phase.WAITING: self._wait,
            Phase.PREFLIGHT: self._check,
            Phase.RESETTING: self._reset,
            Phase.COUNTDOWN: self._count_down,
            Phase.RECORDING: self._record,
            Phase.SAVING: self._save,
        }
        if seen.hang and self.phase is not Phase.WAITING and not self.is_finished:
            self._fail(seen.hang)
        elif self.phase in handlers:
            handlers[self.phase]()
        return self._take()

    def press(self, event: OperatorEvent) -> tuple[Action, ...]:
        """The operator pressed something; what does nothing in this phase is answered with a message."""
        if event is OperatorEvent.TOGGLE:
            is_recording = self.phase is Phase.RECORDING
            event = OperatorEvent.STOP if is_recording else OperatorEvent.START
        if event not in self.inputs():
            self.notice = f'{event.value} does nothing now'
        elif event is OperatorEvent.PAUSE:
            self._pause()
        elif event is OperatorEvent.QUIT:
            self._quit()
        elif event is OperatorEvent.UNDO:
            self._undo_when_possible()
        elif event in LABELS:
            self._label(event)
        elif event is OperatorEvent.STOP:
            self._stop('')
        else:
            self._wants_start, self._is_paused = True, False
            self._reset()
        return self._take()

    def answer(self, request: Request, answer: Answer) -> tuple[Action, ...]:
        """A request was served or refused."""
        self._asked.discard(type(request))
        handlers: Mapping[type, Callable[[], None]] = {
            Recall: lambda: self._recalled(answer),
            Reset: lambda: self._was_reset(answer),
            Start: lambda: self._was_started(answer),
            Stop: lambda: self._was_stopped(answer),
        }
        if isinstance(request, Arm):
            self._was_armed(request, answer)
        elif isinstance(request, Engage):
            self._was_engaged(request, answer)
        elif isinstance(request, Save | Discard):
            self._was_saved(request, answer)
        elif isinstance(request, Edit):
            self._was_edited(request, answer)
        else:
            handlers[type(request)]()
        return self._take()

    # Waiting and preflight

    def _wait(self) -> None:
        if Recall in self._asked:
            return
        if not self._seen.missing:
            self._ask(Recall())
        elif self._waited_s() > self._rules.ready_timeout_s:
            missing = ', '.join(self._seen.missing)
            self._fail(f'not ready after {self._rules.ready_timeout_s:g} s: no {missing}')

    def _recalled(self, answer: Answer) -> None:
        if answer.stock is None:
            self._fail(answer.message)
            return
        self.tally = self.tally.with_stock(answer.stock)
        is_first = self.phase is Phase.WAITING
        self._reviews.update(answer.stock, is_first=is_first)
        if not is_first:
            self._between()
            return
        self._first_seed = max(self._first_seed, answer.stock.next_seed)
        for episode in answer.stock.unlabelled:
            hint = '' if self._rules.is_attended else '; an attended session asks for its label'
            self._out.append(Announce(text=f'{episode.statement}{hint}'))
        self._go(Phase.PREFLIGHT, 'checking')

    def _check(self) -> None:
        if not self._seen.failures:
            self._between()
        elif not self._is_given_up():
            self._say(self._seen.failures)

    def _is_given_up(self) -> bool:
        """Without an operator nobody mends what preflight found; fails the session after a while."""
        if self._rules.is_attended or self._waited_s() <= self._rules.ready_timeout_s:
            return False
        self._fail(f'preflight: {self._seen.failures}')
        return True

    # Between episodes

    def _between(self) -> None:
        """What is next: a label that is owed, the end, or another scene."""
        owed = self._reviews.next() if self._rules.is_attended else None
        if self._is_quitting:
            self._end()
        elif owed is not None:
            self.verdict = owed.statement
            self._go(Phase.JUDGING, f'{owed.statement}: {LABEL_KEYS}, u leaves it')
        elif not self.tally.is_complete:
            self._begin_reset()
        elif self._rules.is_attended:
            self._go(Phase.DONE, f'all {self.tally.wanted} are saved: q ends, u undoes the last')
        else:
            self._end()

    def _begin_reset(self) -> None:
        limit = 0 if self._rules.is_attended else self._rules.max_attempts
        try:
            self.attempt = next_attempt(
                self._goal, self.tally, first_seed=self._first_seed, max_attempts=limit
            )
        except VlaMbpoError as error:
            self._fail(str(error))
            return
        self._settled_s, self._wants_start = None, not self._rules.is_attended
        place = f'scene {self.attempt.seed}, ' if self._rules.is_simulated else ''
        self._go(Phase.RESETTING, f'{place}{self.attempt.condition.name}')
        self._reset()

    def _reset(self) -> None:
        assert self.attempt is not None
        if self._is_armed or self._asked & {Reset, Edit, Recall}:
            return
        if self._settled_s is None:
            if self._rules.is_simulated:
                self._ask(Reset(attempt=self.attempt))
                return
            self._settled_s = self._now.time_s
        if self._is_laid_out:
            self._begin_or_wait(self.attempt)

    def _begin_or_wait(self, attempt: Attempt) -> None:
        """The scene stands: what was asked for meanwhile comes first."""
        if self._wants_undo and self._can_undo:
            self._undo()
        elif self._is_quitting and not self._is_saving:
            self._end()
        elif not self._wants_start:
            self._invite(attempt)
        elif not self._is_paused:
            self._start_or_wait()

    def _invite(self, attempt: Attempt) -> None:
        if not (self._is_paused or self.message.startswith(REFUSED)):
            self._say(f'{attempt.condition.description} Space starts.')

    def _start_or_wait(self) -> None:
        if self._is_saving or self._wants_undo:
            self._go(Phase.SAVING, 'saving')
        elif not self._seen.failures:
            self._step = 'arm'
            self._go(Phase.COUNTDOWN, 'arming')
            self._arm(on=True)
        elif self._rules.is_attended:
            self._refuse(self._seen.failures)
        elif not self._is_given_up():
            self._say(self._seen.failures)

    def _was_reset(self, answer: Answer) -> None:
        if answer.is_done:
            self._settled_s = self._now.time_s + self._rules.settle_s
        else:
            self._fail(answer.message)

    # Countdown

    def _count_down(self) -> None:
        if self._seen.fault:
            self._abort(self._seen.fault)
        elif self._step == 'arm':
            self._arm(on=True)
        elif self._step == 'engage':
            self._ask(Engage(on=True))
        elif self._step == 'count':
            left_s = self._rules.countdown_s - self._waited_s()
            if left_s <= 0.0:
                assert self.attempt is not None
                self._step = 'start'
                self._ask(Start(attempt=self.attempt))
            elif self._counted != int(left_s) + 1:
                self._counted = int(left_s) + 1
                self._say(str(self._counted))
                self._out.append(Sound(cue=Cue.TICK))

    def _was_armed(self, request: Arm, answer: Answer) -> None:
        if not request.on:
            self._is_armed = not answer.is_done
            if not answer.is_done:
                self._fail(answer.message)
        elif not answer.is_done:
            self._is_armed = False
            self._retry_or_abort(answer.message)
        elif self.phase is Phase.COUNTDOWN:
            self._step, self._counted, self._since_s = 'count', 0, self._now.wall_s
            self._count_down()
        else:  # aborted meanwhile
            self._arm(on=False)

    def _was_started(self, answer: Answer) -> None:
        if answer.is_done:
            self._step, self._since_s = 'engage', self._now.wall_s
            self._ask(Engage(on=True))
        else:
            self._abort(answer.message)

    def _was_engaged(self, request: Engage, answer: Answer) -> None:
        if not request.on:
            if not answer.is_done:
                self._fail(answer.message)
        elif self.phase is not Phase.COUNTDOWN:
            return
        elif not answer.is_done:
            self._retry_or_abort(answer.message)
        else:
            self._started_s, self._success_s = self._now.time_s, None
            self._out.append(Sound(cue=Cue.START))
            self._go(Phase.RECORDING, f'episode {self.tally.saved + 1}')

    def _retry_or_abort(self, reason: str) -> None:
        """The next tick asks again, unless it was asked for long enough."""
        if self._waited_s() > self._rules.switch_timeout_s:
            self._abort(reason)

    def _abort(self, reason: str) -> None:
        """Back to before the start."""
        if not self._rules.is_attended:
            self._fail(reason)
            return
        if self._step == 'engage':
            self._ask(Discard(reason=reason))
        self._arm(on=False)
        self._go(Phase.RESETTING, '')
        self._refuse(reason)

    # Recording

    def _record(self) -> None:
        recorded_s = self._now.time_s - self._started_s
        problem = self._seen.fault or (self._seen.loss if recorded_s > _LOSS_AFTER_S else '')
        if problem:
            self._interrupt(problem)
        elif self._rules.is_attended:
            if recorded_s >= self._rules.time_limit_s:
                self._stop('time limit')
        elif self._success_s is not None:
            if self._now.time_s >= self._success_s + self._rules.tail_s:
                self._stop('')
        elif self._seen.is_success:
            self._success_s = self._now.time_s
        elif recorded_s >= self._rules.time_limit_s:
            self._stop('time limit')

    def _interrupt(self, problem: str) -> None:
        if self._rules.is_attended:
            self._stop(problem)
        else:
            self._fail(problem)

    def _stop(self, reason: str) -> None:
        if self.phase is Phase.COUNTDOWN:
            self._abort('stopped before it began')
            return
        self._go(Phase.JUDGING, reason or 'stopped')
        self._out.append(Sound(cue=Cue.STOP))
        self._ask(Engage(on=False))
        self._ask(Stop())

    def _was_stopped(self, answer: Answer) -> None:
        self._arm(on=False)
        reason = '' if self.message == 'stopped' else f'{self.message}; '
        if not answer.is_done and not self._rules.is_attended:
            self._fail(answer.message)
        elif not answer.is_done:
            self._begin_reset()
            self._refuse(answer.message)
        else:
            self.verdict = answer.verdict
            self._say(f'{reason}{answer.verdict}: {LABEL_KEYS}')
            if not self._rules.is_attended:
                is_success = self._success_s is not None
                keeps = is_success or self._rules.keeps_failures
                failed = OperatorEvent.FAILURE if keeps else OperatorEvent.DISCARD
                self._label(OperatorEvent.SUCCESS if is_success else failed)

    # Labels

    def _label(self, event: OperatorEvent) -> None:
        succeeded = event is OperatorEvent.SUCCESS
        if review := self._reviews.current:
            self._relabel(review.index, event)
            return
        self._before_label = self.tally
        if event is OperatorEvent.DISCARD:
            self.tally = self.tally.with_discarded()
            is_failure = not self._rules.is_attended
            self._ask(Discard(reason='failed' if is_failure else 'discarded by the operator'))
        else:
            self.tally = self.tally.with_saved(succeeded=succeeded)
            self._ask(Save(succeeded=succeeded))
        if self.tally.is_complete or self._is_quitting:
            self.attempt = None
            self._go(Phase.SAVING, event.value)
        else:
            self._begin_reset()

    def _save(self) -> None:
        """Nothing else is left to do until the save is over."""
        if self._is_saving or self._is_armed:
            return
        if self.attempt is None and self._wants_undo:
            self._undo()
        elif self.attempt is None:
            self._between()
        else:
            self._go(Phase.RESETTING, 'saved')

    def _was_saved(self, request: Save | Discard, answer: Answer) -> None:
        if answer.is_done:
            self._reviews.decided(answer.episode if isinstance(request, Save) else None)
            is_save = isinstance(request, Save)
            self.verdict = answer.verdict or self.verdict
            self._out.append(Sound(cue=Cue.SAVED if is_save else Cue.DISCARDED))
        elif self._rules.is_attended:
            self.tally = self._before_label
            self._out += [Sound(cue=Cue.ERROR), Announce(text=answer.message)]
            self._say(REFUSED + answer.message)
        else:
            self._fail(answer.message)

    # Whole session

    def _pause(self) -> None:
        self._is_paused = not self._is_paused
        self._say('paused: p goes on' if self._is_paused else 'going on')

    def _quit(self) -> None:
        self._is_quitting = True
        if self._can_abort:
            self._stop('')
        elif self._is_idle:
            self._end()
        else:
            self._say('the session ends after this episode')
