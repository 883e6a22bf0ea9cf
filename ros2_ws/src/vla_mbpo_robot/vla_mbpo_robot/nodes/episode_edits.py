"""Services of the recorder around the label: stop and hear the verdict, correct what was saved."""

from collections.abc import Callable

from rclpy.node import Node

from vla_mbpo.episodes.edits import Label
from vla_mbpo.episodes.writer import DatasetWriter
from vla_mbpo.errors import UnknownNameError
from vla_mbpo.errors import VlaMbpoError
from vla_mbpo_msgs.srv import EditEpisode
from vla_mbpo_msgs.srv import StopEpisode
from vla_mbpo_robot import topics
from vla_mbpo_robot.recording import Recording

ACTIONS = ('relabel', 'remove', 'undo')
LABELS: dict[str, Label] = {'success': 'success', 'failure': 'failure'}


class EpisodeEdits:
    """Answers `episode/stop` and `episode/edit` for the process that holds the dataset's lock."""

    def __init__(self, node: Node, recording: Recording) -> None:
        self._node = node
        self._recording = recording
        node.create_service(StopEpisode, topics.STOP_EPISODE, self._on_stop)
        node.create_service(EditEpisode, topics.EDIT_EPISODE, self._on_edit)

    def _on_stop(
        self, _: StopEpisode.Request, response: StopEpisode.Response
    ) -> StopEpisode.Response:
        try:
            quality, rows = self._recording.stop()
        except VlaMbpoError as error:
            response.success, response.message = False, str(error)
            return response
        response.success, response.verdict = True, quality.verdict
        response.rows, response.flagged_rows = rows, quality.flagged_rows
        response.message = quality.reasons or f'{quality.flagged_rows} rows flagged'
        return response

    def _on_edit(
        self, request: EditEpisode.Request, response: EditEpisode.Response
    ) -> EditEpisode.Response:
        try:
            change = change_of(request.action, request.episode_index, request.outcome)
            self._recording.edit(change, who=request.operator_name)
        except VlaMbpoError as error:
            response.success, response.message = False, str(error)
            return response
        response.success = True
        response.message = f'{request.action} of episode {request.episode_index}'
        return response


def change_of(action: str, episode: int, outcome: str) -> Callable[[DatasetWriter], object]:
    """What to ask of the writer.

    Raises:
        UnknownNameError: there is no such action or outcome.
    """
    if action not in ACTIONS:
        raise UnknownNameError('action', action, known=ACTIONS)
    if action == 'undo':
        return DatasetWriter.undo_last
    if action == 'remove':
        return lambda writer: writer.remove(episode)
    if outcome not in LABELS:
        raise UnknownNameError('outcome', outcome, known=LABELS)
    label = LABELS[outcome]
    return lambda writer: writer.relabel(episode, label)
