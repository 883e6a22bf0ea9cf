"""What goes into a collection session and what comes out of it: phases, observations, actions, answers."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

from vla_mbpo_robot.operator.sounds import Cue
from vla_mbpo_robot.quota import Attempt
from vla_mbpo_robot.quota import Stock


class Phase(IntEnum):
    """Where a session is; numbers as in vla_mbpo_msgs/SessionStatus."""

    WAITING = 0
    """For the other nodes."""
    PREFLIGHT = 1
    RESETTING = 2
    """The scene is laid out; at a robot, by the operator."""
    COUNTDOWN = 3
    RECORDING = 4
    JUDGING = 5
    """The verdict is shown and the label is asked for."""
    SAVING = 6
    """Nothing else is to be done meanwhile."""
    DONE = 7
    FAILED = 8


@dataclass(frozen=True, kw_only=True)
class Moment:
    """A time on both clocks."""

    time_s: float
    """The robot's clock, which is simulated time in the twin: settling, tail, time limit."""
    wall_s: float
    """Patience and countdown of people and processes; never runs backwards."""


@dataclass(frozen=True, kw_only=True)
class Observation:
    """What the session sees of the others."""

    missing: tuple[str, ...] = ()
    """Services and streams that are not there yet."""
    failures: str = ''
    """Why preflight lets no recording start."""
    fault: str = ''
    """Why the command gate stands in fault, which ends a recording."""
    hang: str = ''
    """Which node has fallen silent; nothing that waits for it would ever end."""
    loss: str = ''
    """Why the recorder gave an episode up."""
    is_success: bool = False
    """What the twin's detector says now."""


@dataclass(frozen=True, kw_only=True)
class Rules:
    """Settings of a session."""

    is_attended: bool
    """True: a person starts, stops and labels. False: the twin's detector does."""
    is_simulated: bool
    first_seed: int = 0
    settle_s: float = 0.5
    tail_s: float = 0.4
    countdown_s: float = 0.0
    time_limit_s: float = 60.0
    keeps_failures: bool = False
    max_attempts: int = 5
    """Per wanted episode; without an operator only."""
    ready_timeout_s: float = 30.0
    switch_timeout_s: float = 5.0
    """How long arming and engaging are tried: a busy node may need a moment until it has what it needs."""


@dataclass(frozen=True)
class Recall:
    """Count what the dataset holds."""


@dataclass(frozen=True, kw_only=True)
class Reset:
    """Lay out the twin's scene."""

    attempt: Attempt


@dataclass(frozen=True, kw_only=True)
class Arm:
    """Arm or disarm the command gate."""

    on: bool


@dataclass(frozen=True, kw_only=True)
class Engage:
    """Let the teleoperator take or release the lead."""

    on: bool


@dataclass(frozen=True, kw_only=True)
class Start:
    """Open an episode."""

    attempt: Attempt


@dataclass(frozen=True)
class Stop:
    """Stop recording and hear the verdict."""


@dataclass(frozen=True, kw_only=True)
class Save:
    """Label the open episode and save it."""

    succeeded: bool


@dataclass(frozen=True, kw_only=True)
class Discard:
    """Throw the open episode away."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class Edit:
    """Correct a saved episode."""

    action: Literal['relabel', 'remove', 'undo']
    episode: int
    succeeded: bool = False


@dataclass(frozen=True, kw_only=True)
class Sound:
    """Something to hear; needs no answer."""

    cue: Cue


@dataclass(frozen=True, kw_only=True)
class Announce:
    """Something for the log; needs no answer."""

    text: str


Request = Recall | Reset | Arm | Engage | Start | Stop | Save | Discard | Edit
Action = Request | Sound | Announce


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What became of a request."""

    is_done: bool
    message: str = ''
    """Why not; or what the service said."""
    verdict: str = ''
    """Of `Stop` and `Save`."""
    episode: int = -1
    """Of `Save`: index in the dataset."""
    stock: Stock | None = None
    """Of `Recall`."""
