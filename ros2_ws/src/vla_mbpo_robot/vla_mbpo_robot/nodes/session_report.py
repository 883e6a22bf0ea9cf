"""What a session tells: its topic, lines for a launcher, sounds."""

import os
import sys
import time

from builtin_interfaces.msg import Time
from rclpy.publisher import Publisher

from vla_mbpo_msgs.msg import SessionStatus
from vla_mbpo_robot.collection import Collection
from vla_mbpo_robot.nodes.session_view import SessionView
from vla_mbpo_robot.operator.sounds import Bell
from vla_mbpo_robot.operator.sounds import Cue
from vla_mbpo_robot.operator.sounds import SoundCommand
from vla_mbpo_robot.progress import Details
from vla_mbpo_robot.progress import Heard
from vla_mbpo_robot.progress import Progress
from vla_mbpo_robot.progress import Report
from vla_mbpo_robot.progress import to_line
from vla_mbpo_robot.quota import Goal
from vla_mbpo_robot.settings import SessionSettings

PERIOD_S = 0.5
"""Of details, and of an unchanged status."""


class SessionReport:
    """Publishes the status and prints a line when something changes, and details now and then."""

    def __init__(
        self,
        goal: Goal,
        collection: Collection,
        view: SessionView,
        publisher: Publisher,
        settings: SessionSettings,
        terminal: int | None,
    ) -> None:
        self._goal = goal
        self._collection = collection
        self._view = view
        self._publisher = publisher
        self._has_launcher = settings.details
        self._command = SoundCommand(settings.sound_command) if settings.sound_command else None
        self._bell = Bell(lambda text: os.write(terminal, text.encode())) if terminal else None
        self._told: Progress | None = None
        self._told_s = float('-inf')

    def update(self, stamp: Time) -> None:
        """Tell what is new."""
        progress = self._progress()
        is_new = progress != self._told
        if not is_new and time.monotonic() - self._told_s < PERIOD_S:
            return
        if is_new:
            _print(progress)
        details = self._details()
        if self._has_launcher:
            _print(details)
        self._publish(progress, details, stamp)
        self._told, self._told_s = progress, time.monotonic()

    def sound(self, cue: Cue) -> None:
        """Make a sound, by the operator's command or by a terminal's bell."""
        if self._command:
            if problem := self._command.play(cue):
                sys.stderr.write(f'{problem}\n')
        elif self._has_launcher:
            _print(Heard(cue=cue))
        elif self._bell:
            self._bell.ring(cue)

    def close(self) -> None:
        """End the sounds."""
        if self._command:
            self._command.close()

    def _progress(self) -> Progress:
        tally = self._collection.tally
        return Progress(
            phase=int(self._collection.phase),
            saved=tally.saved,
            wanted=tally.wanted,
            succeeded=tally.succeeded,
            discarded=tally.discarded,
            message=self._collection.message,
        )

    def _details(self) -> Details:
        collection, recorder = self._collection, self._view.recorder
        minutes = self._view.disk_minutes
        return Details(
            task=self._goal.task.name,
            split=self._goal.split,
            condition=collection.attempt.condition.name if collection.attempt else '',
            notice=collection.notice,
            verdict=collection.verdict,
            inputs=tuple(event.value for event in collection.inputs()),
            checks=tuple(str(check) for check in self._view.checks),
            cameras=tuple(recorder.cameras),
            rate_hz=tuple(float(rate) for rate in recorder.rate_hz),
            skew_ms=tuple(float(skew) for skew in recorder.skew_ms),
            disk_minutes=-1.0 if minutes is None else minutes,
            rows=recorder.rows,
            flagged_rows=recorder.flagged_rows,
        )

    def _publish(self, progress: Progress, details: Details, stamp: Time) -> None:
        message = SessionStatus(
            phase=progress.phase,
            task=details.task,
            saved=progress.saved,
            wanted=progress.wanted,
            succeeded=progress.succeeded,
            discarded=progress.discarded,
            message=progress.message,
            split=details.split,
            condition=details.condition,
            verdict=details.verdict,
            inputs=list(details.inputs),
            checks=list(details.checks),
            disk_minutes=details.disk_minutes,
        )
        message.header.stamp = stamp
        self._publisher.publish(message)


def _print(report: Report) -> None:
    sys.stdout.write(f'{to_line(report)}\n')
    sys.stdout.flush()
