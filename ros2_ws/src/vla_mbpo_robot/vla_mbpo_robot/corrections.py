"""What an operator can still change of saved episodes: the part of the state machine about undo and missing labels."""

from vla_mbpo_robot.collection_io import Announce
from vla_mbpo_robot.collection_io import Answer
from vla_mbpo_robot.collection_io import Edit
from vla_mbpo_robot.collection_io import Phase
from vla_mbpo_robot.collection_io import Recall
from vla_mbpo_robot.collection_io import Sound
from vla_mbpo_robot.operator.events import OperatorEvent
from vla_mbpo_robot.operator.sounds import Cue
from vla_mbpo_robot.session_state import REFUSED
from vla_mbpo_robot.session_state import SessionState

LABEL_KEYS = 's success, f failure, d discard'


class Corrections(SessionState):
    """Asks about saved episodes again, and has the recorder correct them."""

    def _between(self) -> None:
        """What is next."""
        raise NotImplementedError

    def _undo_when_possible(self) -> None:
        """Not before the last episode is saved and the scene stands still."""
        if self._can_undo:
            self._undo()
        else:
            self._wants_undo = True
            self.notice = 'undo follows'

    def _undo(self) -> None:
        self._wants_undo = False
        if self._reviews.current is not None:
            self._reviews.skip()
            self._between()
        elif (removed := self._reviews.removed) is not None:
            self._ask(Edit(action='undo', episode=removed))
        elif review := self._reviews.reopen():
            self.verdict = review.statement
            self._go(Phase.JUDGING, f'{review.statement}: {LABEL_KEYS}, u keeps it')
        else:
            self.notice = f'nothing to undo: {self._reviews.why_not}'

    def _was_edited(self, request: Edit, answer: Answer) -> None:
        if not answer.is_done:
            self._out += [Sound(cue=Cue.ERROR), Announce(text=answer.message)]
            self._say(REFUSED + answer.message)
            return
        self._reviews.edited(request)
        is_removal = request.action == 'remove'
        self._out.append(Sound(cue=Cue.DISCARDED if is_removal else Cue.SAVED))
        self._ask(Recall())

    def _relabel(self, episode: int, event: OperatorEvent) -> None:
        """What was said of a saved episode."""
        is_removal = event is OperatorEvent.DISCARD
        self._ask(
            Edit(
                action='remove' if is_removal else 'relabel',
                episode=episode,
                succeeded=event is OperatorEvent.SUCCESS,
            )
        )
        self._say(f'{event.value}: episode {episode}')
