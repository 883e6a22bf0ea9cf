"""The session's state machine against obedient and refusing nodes: attended, unattended, interrupted, corrected."""

from dataclasses import dataclass
from dataclasses import field

import pytest

from vla_mbpo.tasks import load_task
from vla_mbpo_robot.collection import Collection
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
from vla_mbpo_robot.collection_io import Rules
from vla_mbpo_robot.collection_io import Save
from vla_mbpo_robot.collection_io import Sound
from vla_mbpo_robot.collection_io import Start
from vla_mbpo_robot.collection_io import Stop
from vla_mbpo_robot.operator.events import OperatorEvent
from vla_mbpo_robot.operator.sounds import Cue
from vla_mbpo_robot.quota import Stock
from vla_mbpo_robot.quota import Unlabelled
from vla_mbpo_robot.quota import goal_of

TICK_S = 0.05
GOOD = 'good: 100 rows'
SUCCESS, FAILURE, DISCARD = OperatorEvent.SUCCESS, OperatorEvent.FAILURE, OperatorEvent.DISCARD
START, STOP, UNDO = OperatorEvent.START, OperatorEvent.STOP, OperatorEvent.UNDO


@dataclass(kw_only=True)
class Rig:
    """A session with nodes that do what they are asked, unless they are told to refuse or to be slow."""

    session: Collection
    seen: Observation = field(default_factory=Observation)
    refusals: dict[type, str] = field(default_factory=dict)
    slow: set[type] = field(default_factory=set)
    outcomes: dict[int, str] = field(default_factory=dict)
    """Of the saved episodes, by index."""
    removed: dict[int, str] = field(default_factory=dict)
    done: list[Action] = field(default_factory=list)
    held: list[Request] = field(default_factory=list)
    now_s: float = 0.0

    def play(self, duration_s: float = 1.0) -> None:
        for _ in range(max(1, round(duration_s / TICK_S))):
            self.now_s += TICK_S
            now = Moment(time_s=self.now_s, wall_s=self.now_s)
            self.serve(self.session.tick(now, self.seen))

    def press(self, *events: OperatorEvent) -> None:
        for event in events:
            self.play(TICK_S)
            self.serve(self.session.press(event))
            self.play(1.0)

    def serve(self, actions: tuple[Action, ...]) -> None:
        for action in actions:
            self.done.append(action)
            if type(action) in self.slow:
                self.held.append(action)
            elif not isinstance(action, Sound | Announce):
                self.serve(self.session.answer(action, self.answer(action)))

    def answer(self, request: Request) -> Answer:
        if type(request) in self.refusals:
            return Answer(is_done=False, message=self.refusals[type(request)])
        if isinstance(request, Recall):
            return Answer(is_done=True, stock=self.stock())
        if isinstance(request, Save):
            index = len(self.outcomes)
            self.outcomes[index] = 'success' if request.succeeded else 'failure'
            return Answer(is_done=True, episode=index, verdict=GOOD)
        if isinstance(request, Edit):
            self.edit(request)
        return Answer(is_done=True, verdict=GOOD if isinstance(request, Stop) else '')

    def edit(self, edit: Edit) -> None:
        if edit.action == 'relabel':
            self.outcomes[edit.episode] = 'success' if edit.succeeded else 'failure'
        elif edit.action == 'remove':
            self.removed[edit.episode] = self.outcomes.pop(edit.episode)
        else:
            self.outcomes.update([self.removed.popitem()])

    def stock(self) -> Stock:
        labelled = [o for o in self.outcomes.values() if o != 'unlabelled']
        return Stock(
            saved=len(labelled),
            succeeded=labelled.count('success'),
            last=max((k for k, o in self.outcomes.items() if o != 'unlabelled'), default=None),
            next_seed=len(self.outcomes),
            unlabelled=tuple(
                Unlabelled(index=k, statement=f'episode {k} has no label: bad, 83 rows')
                for k, o in self.outcomes.items()
                if o == 'unlabelled'
            ),
        )

    def release(self) -> None:
        """Let the slow nodes answer."""
        self.slow.clear()
        held, self.held = self.held, []
        for request in held:
            self.serve(self.session.answer(request, self.answer(request)))

    def asked(self, kind: type) -> list:
        return [action for action in self.done if isinstance(action, kind)]

    def heard(self) -> list[Cue]:
        return [action.cue for action in self.asked(Sound)]


def rig(*, attended: bool = True, wanted: int = 3, simulated: bool = True, **more) -> Rig:
    saved = more.pop('saved', {})
    goal = goal_of(load_task('pick_cup'), condition='', split='seen', episodes=wanted)
    rules = Rules(is_attended=attended, is_simulated=simulated, **more)
    return Rig(session=Collection(goal, rules), outcomes=dict(saved))


def ready(**more) -> Rig:
    """A rig that waits for the operator to start the first episode."""
    made = rig(**more)
    made.play(2.0)
    assert START in made.session.inputs(), made.session.message
    return made


def recorded(made: Rig, label: OperatorEvent) -> None:
    made.press(START, STOP, label)


def unattended_until_done(made: Rig, *, succeeds: bool = True) -> None:
    for _ in range(200):
        is_recording = made.session.phase is Phase.RECORDING
        made.seen = Observation(is_success=succeeds and is_recording)
        made.play(0.5)
        if made.session.is_finished:
            return
    raise AssertionError(made.session.message)


def test_an_unattended_session_saves_what_is_wanted_under_conditions_in_turn_and_ends() -> None:
    made = rig(attended=False)
    unattended_until_done(made)
    attempts = [action.attempt for action in made.asked(Start)]
    conditions = load_task('pick_cup').conditions_of('seen')
    assert [a.condition.name for a in attempts] == [c.name for c in conditions[:3]]
    assert [a.seed for a in attempts] == [0, 1, 2]
    assert list(made.outcomes.values()) == ['success'] * 3
    assert made.session.phase is Phase.DONE


def test_one_episode_goes_through_its_requests_in_order_and_never_resets_an_armed_robot() -> None:
    made = rig(attended=False, wanted=1)
    unattended_until_done(made)
    requests = [a for a in made.done if not isinstance(a, Sound | Announce)]
    kinds = [(type(r).__name__, getattr(r, 'on', None)) for r in requests]
    assert kinds == [
        ('Recall', None),
        ('Reset', None),
        ('Arm', True),
        ('Start', None),
        ('Engage', True),
        ('Engage', False),
        ('Stop', None),
        ('Arm', False),
        ('Save', None),
    ]


def test_unattended_failures_are_discarded_and_repeated_until_patience_ends() -> None:
    made = rig(attended=False, wanted=1, time_limit_s=1.0, max_attempts=2)
    unattended_until_done(made, succeeds=False)
    assert [a.reason for a in made.asked(Discard)] == ['failed', 'failed']
    assert made.session.error == 'gave up after 2 attempts with 0 of 1 episodes saved'
    starts = [action.attempt for action in made.asked(Start)]
    assert starts[0].condition == starts[1].condition
    assert [a.seed for a in starts] == [0, 1]


def test_unattended_failures_can_be_kept() -> None:
    made = rig(attended=False, wanted=1, time_limit_s=1.0, keeps_failures=True)
    unattended_until_done(made, succeeds=False)
    assert made.outcomes == {0: 'failure'}
    assert (made.session.tally.saved, made.session.tally.succeeded) == (1, 0)


def test_nothing_starts_before_the_operator_says_so() -> None:
    made = ready()
    made.play(60.0)
    assert made.asked(Start) == []
    assert 'Space starts' in made.session.message


def test_the_verdict_is_shown_before_the_label_and_no_time_labels() -> None:
    made = ready()
    made.press(START, STOP)
    assert made.session.phase is Phase.JUDGING
    assert made.session.verdict == GOOD
    assert GOOD in made.session.message
    made.play(600.0)
    assert made.session.phase is Phase.JUDGING
    assert made.outcomes == {}
    made.press(FAILURE)
    assert made.outcomes == {0: 'failure'}


def test_a_label_before_the_verdict_does_nothing() -> None:
    made = ready()
    made.press(START)
    made.slow = {Stop}
    made.press(STOP, SUCCESS)
    assert made.outcomes == {}
    assert made.session.notice == 'success does nothing now'
    made.release()
    made.press(SUCCESS)
    assert made.outcomes == {0: 'success'}


def test_the_countdown_ticks_each_second_and_a_stop_in_it_starts_nothing() -> None:
    made = ready(countdown_s=3.0)
    made.press(START)
    assert made.session.phase is Phase.COUNTDOWN
    made.play(1.2)
    made.press(STOP)
    assert made.heard()[:3] == [Cue.TICK] * 3
    assert made.asked(Start) == []
    assert made.asked(Arm)[-1] == Arm(on=False)
    assert made.session.phase is Phase.RESETTING
    made.press(START)
    made.play(3.0)
    assert made.session.phase is Phase.RECORDING
    assert made.heard()[-1] is Cue.START


def test_start_stop_saved_discarded_and_refused_are_told_apart_by_ear() -> None:
    made = ready()
    recorded(made, SUCCESS)
    recorded(made, DISCARD)
    assert made.heard() == [Cue.START, Cue.STOP, Cue.SAVED, Cue.START, Cue.STOP, Cue.DISCARDED]
    made.seen = Observation(failures='disk: room for less than 1 minute')
    made.press(START)
    assert made.heard()[-1] is Cue.ERROR


def test_preflight_blocks_the_start_with_its_reason() -> None:
    made = ready()
    made.seen = Observation(failures='head: no data')
    made.press(START)
    assert made.asked(Start) == []
    assert made.session.message == 'not started: head: no data'
    made.seen = Observation()
    made.press(START)
    assert made.session.phase is Phase.RECORDING


def test_preflight_that_nobody_mends_ends_an_unattended_session() -> None:
    made = rig(attended=False, ready_timeout_s=5.0)
    made.seen = Observation(failures='head: no data')
    made.play(6.0)
    assert made.session.error == 'preflight: head: no data'


def test_what_is_missing_is_named_when_the_wait_is_over() -> None:
    made = rig(ready_timeout_s=5.0)
    made.seen = Observation(missing=('/arx_x5/episode/start', 'head images'))
    made.play(4.0)
    assert not made.session.is_finished
    made.play(2.0)
    assert made.session.error == 'not ready after 5 s: no /arx_x5/episode/start, head images'


def test_the_next_scene_is_laid_out_while_the_last_episode_is_saved() -> None:
    made = ready()
    made.slow = {Save}
    recorded(made, SUCCESS)
    assert len(made.asked(Reset)) == 2
    assert made.session.phase is Phase.RESETTING
    made.press(START)
    assert made.session.phase is Phase.SAVING
    assert len(made.asked(Start)) == 1
    made.release()
    made.play(1.0)
    assert made.session.phase is Phase.RECORDING


def test_a_save_that_fails_is_not_counted_and_says_why() -> None:
    made = ready(wanted=1)
    made.refusals = {Save: 'the disk is full'}
    recorded(made, SUCCESS)
    assert made.session.tally.saved == 0
    assert [a.text for a in made.asked(Announce)] == ['the disk is full']
    made.refusals = {}
    recorded(made, SUCCESS)
    assert made.outcomes == {0: 'success'}
    assert made.session.phase is Phase.DONE


def test_undo_asks_again_and_the_new_label_counts() -> None:
    made = ready()
    recorded(made, SUCCESS)
    made.press(UNDO)
    assert made.session.phase is Phase.JUDGING
    made.press(FAILURE)
    assert made.outcomes == {0: 'failure'}
    assert (made.session.tally.saved, made.session.tally.succeeded) == (1, 0)


def test_an_undo_during_the_save_follows_it() -> None:
    made = ready()
    made.slow = {Save}
    recorded(made, SUCCESS)
    made.press(UNDO)
    assert made.session.notice == 'undo follows'
    made.release()
    made.play(1.0)
    assert made.session.phase is Phase.JUDGING
    made.press(FAILURE)
    assert made.outcomes == {0: 'failure'}


def test_undo_twice_keeps_the_label() -> None:
    made = ready()
    recorded(made, SUCCESS)
    made.press(UNDO, UNDO)
    assert made.outcomes == {0: 'success'}
    assert made.session.phase is Phase.RESETTING


def test_an_undone_save_can_be_removed_and_brought_back() -> None:
    made = ready()
    recorded(made, SUCCESS)
    made.press(UNDO, DISCARD)
    assert made.outcomes == {}
    assert made.session.tally.saved == 0
    made.press(UNDO)
    assert made.outcomes == {0: 'success'}
    assert made.session.tally.saved == 1


def test_a_discarded_episode_cannot_be_undone_and_neither_can_the_one_before() -> None:
    made = ready()
    recorded(made, SUCCESS)
    recorded(made, DISCARD)
    made.press(UNDO)
    assert made.session.notice == 'nothing to undo: the last episode was discarded, and is gone'
    assert made.asked(Edit) == []


def test_a_complete_attended_session_waits_for_quit_so_that_the_last_label_can_be_undone() -> None:
    made = ready(wanted=1)
    recorded(made, SUCCESS)
    assert made.session.phase is Phase.DONE
    assert not made.session.is_finished
    made.press(UNDO, DISCARD)
    assert made.session.phase is Phase.RESETTING
    recorded(made, SUCCESS)
    made.press(OperatorEvent.QUIT)
    assert made.session.is_finished
    assert made.session.error == ''


def test_a_session_continues_the_count_of_the_dataset_and_repeats_no_scene() -> None:
    made = rig(attended=False, saved={0: 'success', 1: 'failure'})
    unattended_until_done(made)
    (start,) = made.asked(Start)
    assert start.attempt.seed == 2
    assert start.attempt.condition == load_task('pick_cup').conditions_of('seen')[2]
    assert (made.session.tally.saved, made.session.tally.succeeded) == (3, 2)


def test_a_dataset_that_has_enough_ends_an_unattended_session_at_once() -> None:
    made = rig(attended=False, wanted=1, saved={0: 'success'})
    unattended_until_done(made)
    assert made.asked(Start) == []


def test_a_recovered_episode_is_announced_and_its_label_is_asked_for_first() -> None:
    made = rig(saved={0: 'success', 1: 'unlabelled'})
    made.play(2.0)
    assert [a.text for a in made.asked(Announce)] == ['episode 1 has no label: bad, 83 rows']
    assert made.session.phase is Phase.JUDGING
    assert made.session.tally.saved == 1
    made.press(SUCCESS)
    assert made.outcomes[1] == 'success'
    assert made.session.tally.saved == 2
    assert made.session.phase is Phase.RESETTING


def test_a_recovered_episode_can_be_removed_or_left_for_later() -> None:
    made = rig(saved={0: 'unlabelled', 1: 'unlabelled'})
    made.play(2.0)
    made.press(DISCARD)
    assert made.removed == {0: 'unlabelled'}
    assert made.session.phase is Phase.JUDGING
    made.press(UNDO)
    assert made.outcomes == {1: 'unlabelled'}
    assert made.session.phase is Phase.RESETTING


def test_without_an_operator_a_recovered_episode_stays_unlabelled_and_does_not_count() -> None:
    made = rig(attended=False, wanted=1, saved={0: 'unlabelled'})
    unattended_until_done(made)
    assert made.outcomes == {0: 'unlabelled', 1: 'success'}
    assert 'an attended session asks for its label' in made.asked(Announce)[0].text


def test_at_a_robot_the_operator_lays_the_scene_out() -> None:
    made = ready(simulated=False)
    assert made.asked(Reset) == []
    description = load_task('pick_cup').conditions_of('seen')[0].description
    assert made.session.message == f'{description} Space starts.'
    recorded(made, SUCCESS)
    assert made.outcomes == {0: 'success'}


def test_the_time_limit_stops_a_recording_but_labels_nothing() -> None:
    made = ready(time_limit_s=5.0)
    made.press(START)
    made.play(6.0)
    assert made.session.phase is Phase.JUDGING
    assert made.session.message.startswith('time limit; ')
    assert made.outcomes == {}


def test_a_gate_fault_stops_an_attended_recording_and_fails_an_unattended_one() -> None:
    fault = Observation(fault='command gate fault: robot is 0.5 rad off')
    made = ready()
    made.press(START)
    made.seen = fault
    made.play(0.5)
    assert made.session.phase is Phase.JUDGING
    assert 'command gate fault' in made.session.message
    alone = rig(attended=False)
    while alone.session.phase is not Phase.RECORDING:
        alone.play(0.1)
    alone.seen = fault
    alone.play(0.5)
    assert alone.session.error == fault.fault


def test_an_error_that_the_recorder_reported_before_the_episode_does_not_end_it() -> None:
    made = ready()
    made.seen = Observation(loss='episode recorder: the disk was full')
    made.serve(made.session.press(START))
    made.play(0.4)
    made.seen = Observation()
    made.play(2.0)
    assert made.session.phase is Phase.RECORDING
    made.seen = Observation(loss='episode recorder: the disk is full')
    made.refusals = {Stop: 'no episode is open'}
    made.play(1.0)
    assert made.session.phase is Phase.RESETTING
    assert made.session.message == 'not started: no episode is open'


def test_a_gate_that_is_not_ready_yet_is_asked_again_until_patience_ends() -> None:
    made = ready()
    made.refusals = {Arm: 'nobody listens to safe_command yet'}
    made.serve(made.session.press(START))
    made.play(1.0)
    assert made.session.phase is Phase.COUNTDOWN
    made.refusals = {}
    made.play(1.0)
    assert made.session.phase is Phase.RECORDING


def test_a_teleoperator_that_never_engages_leaves_no_episode_behind() -> None:
    made = ready()
    made.refusals = {Engage: 'no scene yet'}
    made.press(START)
    made.play(6.0)
    assert made.session.message == 'not started: no scene yet'
    assert made.asked(Discard) == [Discard(reason='no scene yet')]
    assert made.asked(Arm)[-1] == Arm(on=False)


def test_pause_holds_an_unattended_session_between_episodes() -> None:
    made = rig(attended=False)
    made.serve(made.session.press(OperatorEvent.PAUSE))
    made.play(5.0)
    assert made.session.phase is Phase.RESETTING
    made.press(OperatorEvent.PAUSE)
    assert made.session.phase is Phase.RECORDING


def test_quit_while_recording_ends_the_session_after_the_label() -> None:
    made = ready()
    made.press(START, OperatorEvent.QUIT)
    assert made.session.phase is Phase.RECORDING
    made.press(STOP, SUCCESS)
    assert made.session.is_finished
    assert made.outcomes == {0: 'success'}


def test_quit_at_once_where_nothing_is_recorded() -> None:
    made = ready()
    made.press(OperatorEvent.QUIT)
    assert made.session.is_finished
    assert made.session.phase is Phase.DONE


def test_one_key_is_enough_to_start_and_to_stop() -> None:
    made = ready()
    made.press(OperatorEvent.TOGGLE)
    assert made.session.phase is Phase.RECORDING
    made.press(OperatorEvent.TOGGLE)
    assert made.session.phase is Phase.JUDGING


@pytest.mark.parametrize('event', list(OperatorEvent))
def test_no_event_does_harm_in_any_phase(event: OperatorEvent) -> None:
    made = rig(countdown_s=0.5)
    for next_event in (START, STOP, SUCCESS, START, STOP, DISCARD):
        for _ in range(30):
            made.serve(made.session.press(event))
            made.play(0.1)
            if made.session.is_finished:
                assert made.session.error == ''
                return
        made.press(next_event)
    assert made.session.error == ''


@pytest.mark.parametrize('attended', [True, False])
@pytest.mark.parametrize('played_s', [2.0, 3.0])
def test_a_node_that_falls_silent_ends_the_session_in_any_phase(
    played_s: float, *, attended: bool
) -> None:
    made = rig(attended=attended)
    made.play(played_s)
    assert not made.session.is_finished
    made.seen = Observation(hang='nothing on command_gate/state for 5 s')
    made.play(0.2)
    assert made.session.is_finished
    assert made.session.error == 'nothing on command_gate/state for 5 s'
