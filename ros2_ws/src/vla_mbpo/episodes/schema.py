"""Names, rows and metadata of an episode dataset (LeRobotDataset v3.0 with extra columns).

Every feature name that two parties must agree on is written here and nowhere else.
"""

from collections.abc import Collection
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from enum import IntEnum
from enum import IntFlag
from typing import Literal
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from vla_mbpo import SOFTWARE_VERSION
from vla_mbpo.robots import RobotDescription

SCHEMA_VERSION = 2
"""1 lacked the clock domain and the frame number of each picture."""
READABLE_SCHEMAS = (1, 2)
CODEBASE_VERSION = 'v3.0'

STATE = 'observation.state'
ACTION = 'action'
ACTION_REQUESTED = 'action.requested'
SOURCE = 'source'
SUCCESS = 'success'
FLAGS = 'flags'
TIME_PREFIX = 'time.'
TICK_NS = f'{TIME_PREFIX}tick_ns'
"""The row's clock: capture time of the reference camera's frame.

In a row with `Flag.TICK_GAP` it is the grid time, for which the camera had no frame."""

IMAGE_PREFIX = 'observation.images.'
UNKNOWN_FRAME_NUMBER = -1

T = TypeVar('T')
Vector = NDArray[np.float64]
Image = NDArray[np.uint8]
Outcome = Literal['success', 'failure', 'unlabelled']
Split = Literal['seen', 'unseen']
Verdict = Literal['good', 'usable', 'bad']


def image_key(camera: str) -> str:
    """Feature name of a camera's pictures."""
    return f'{IMAGE_PREFIX}{camera}'


def capture_key(stream: str) -> str:
    """Column of capture stamps of `stream` (a camera name), int64 ns."""
    return f'{TIME_PREFIX}{stream}.capture_ns'


def receipt_key(stream: str) -> str:
    """Column of receipt stamps of `stream`, int64 ns."""
    return f'{TIME_PREFIX}{stream}.receipt_ns'


def skew_key(stream: str) -> str:
    """Column of capture time of `stream` minus the row's tick, int64 ns."""
    return f'{TIME_PREFIX}{stream}.skew_ns'


def domain_key(stream: str) -> str:
    """Column of the clock domain of `stream`'s capture stamps, a `ClockDomain`."""
    return f'{TIME_PREFIX}{stream}.domain'


def frame_number_key(stream: str) -> str:
    """Column of the device's own count of `stream`'s frames; `UNKNOWN_FRAME_NUMBER` where it has none."""
    return f'{TIME_PREFIX}{stream}.frame_number'


class ClockDomain(IntEnum):
    """Which clock a capture stamp comes from; the stamp itself is always on the host's time line."""

    UNKNOWN = 0
    HOST = 1
    """Stamped by the host when the picture arrived: late by an unknown and varying time."""
    GLOBAL = 2
    """The device's clock, mapped to the host's by its driver."""
    HARDWARE = 3
    """The device's clock, kept equal to the host's in hardware (PTP, trigger)."""
    SIMULATED = 4

    @property
    def is_poor(self) -> bool:
        """Whether the stamps say little of when the picture was taken."""
        return self in (ClockDomain.UNKNOWN, ClockDomain.HOST)


class Source(IntEnum):
    """Who asked for the action of a row."""

    TELEOP = 0
    POLICY = 1
    INTERVENTION = 2


class Flag(IntFlag):
    """Defects of a row; 0 means none.

    A defective row is kept and flagged, never shifted or dropped in silence.
    """

    NONE = 0
    SKEW_OVER_BUDGET = 1
    """A camera had no frame within the budget of the tick; its nearest one is stored."""
    REPEATED_FRAME = 2
    """A camera's frame is that of the row before, or the camera delivered it twice, be it under a new stamp."""
    STATE_GAP = 4
    """Joint states around the tick are further apart than the budget."""
    COMMAND_GAP = 8
    """Sent commands around the row's end are further apart than the budget."""
    TICK_GAP = 16
    """The reference camera had no frame for this tick; its nearest one is stored."""
    REJECTED_STAMP = 32
    """A stream's clock ran backwards, jumped or was set around this row; those samples were left out."""
    ENCODER_STALL = 64
    """A camera's encoder was behind: its picture and stamps are those of the row before."""
    CLOCK_DOMAIN = 128
    """A camera's stamps come from another clock than at the start of the episode."""


@dataclass(frozen=True, kw_only=True)
class CameraFormat:
    """Recorded picture size of one camera."""

    name: str
    width: int
    height: int


@dataclass(frozen=True, kw_only=True)
class DatasetSpec:
    """What all episodes of a dataset have in common; a writer refuses a folder with another one."""

    robot: str
    fps: float
    state_names: tuple[str, ...]
    state_units: tuple[str, ...]
    action_names: tuple[str, ...]
    action_units: tuple[str, ...]
    cameras: tuple[CameraFormat, ...]

    @classmethod
    def of_robot(cls, robot: RobotDescription) -> 'DatasetSpec':
        """Spec of datasets that are recorded on `robot`."""
        return cls(
            robot=robot.name,
            fps=robot.file.record_rate_hz,
            state_names=robot.state.names,
            state_units=robot.state.units,
            action_names=robot.action.names,
            action_units=robot.action.units,
            cameras=tuple(
                CameraFormat(name=camera.name, width=camera.width, height=camera.height)
                for camera in robot.cameras
            ),
        )

    @property
    def camera_names(self) -> tuple[str, ...]:
        """Camera names in stored order."""
        return tuple(camera.name for camera in self.cameras)


@dataclass(frozen=True, kw_only=True, eq=False)
class Row:
    """One tick of an episode, all streams paired."""

    tick_ns: int
    state: Vector
    """[S], units of the state layout, interpolated at the tick."""
    action: Vector
    """[A], what was sent to the robot at the end of this row's period."""
    action_requested: Vector
    """[A], what teleoperator or policy asked for at the tick, before safety."""
    source: Source
    success: bool
    images: dict[str, Image]
    """uint8 [H, W, 3] RGB by camera name."""
    capture_ns: dict[str, int]
    receipt_ns: dict[str, int]
    flags: Flag = Flag.NONE
    domains: dict[str, ClockDomain] = field(default_factory=dict)
    """By camera name; a camera that is missing is `UNKNOWN`."""
    frame_numbers: dict[str, int] = field(default_factory=dict)
    """The device's count by camera name; a camera that is missing has none."""

    def skew_ns(self, camera: str) -> int:
        """Capture time of `camera` minus the row's tick."""
        return self.capture_ns[camera] - self.tick_ns

    def domain(self, camera: str) -> ClockDomain:
        """Clock of `camera`'s capture stamp."""
        return self.domains.get(camera, ClockDomain.UNKNOWN)

    def frame_number(self, camera: str) -> int:
        """The device's count of `camera`'s picture, `UNKNOWN_FRAME_NUMBER` if it has none."""
        return self.frame_numbers.get(camera, UNKNOWN_FRAME_NUMBER)

    def with_pictures_of(self, before: 'Row', cameras: Collection[str]) -> 'Row':
        """This row with the pictures of `cameras`, and all that is known of them, taken from the row `before`."""

        def merged(own: dict[str, T], earlier: dict[str, T]) -> dict[str, T]:
            return {**own, **{name: earlier[name] for name in cameras if name in earlier}}

        return replace(
            self,
            images=merged(self.images, before.images),
            capture_ns=merged(self.capture_ns, before.capture_ns),
            receipt_ns=merged(self.receipt_ns, before.receipt_ns),
            domains=merged(self.domains, before.domains),
            frame_numbers=merged(self.frame_numbers, before.frame_numbers),
        )


@dataclass(frozen=True, kw_only=True)
class EpisodeInfo:
    """What is known about an episode when it starts."""

    task: str
    instruction: str
    split: Split = 'seen'
    condition: str = ''
    operator: str = ''
    seed: int = -1
    """Scene seed in the twin; -1 on a real robot."""
    simulated: bool = False
    robot_serials: str = ''
    calibration_hash: str = ''
    checkpoint_id: str = ''
    plan_hash: str = ''
    software_version: str = SOFTWARE_VERSION


@dataclass(frozen=True, kw_only=True)
class EpisodeResult:
    """What is known when it ends."""

    outcome: Outcome
    note: str = ''
    recovered: bool = False
    """Whether recording was cut short and the rest of it saved at the next start."""


@dataclass(frozen=True, kw_only=True)
class EpisodeSummary:
    """One saved episode, as the dataset table shows it."""

    index: int
    frames: int
    duration_s: float
    outcome: Outcome
    split: Split
    condition: str
    instruction: str
    flagged_rows: int
    max_skew_ms: float
    verdict: Verdict
    task: str = ''
    skew_p50_ms: float = 0.0
    skew_p95_ms: float = 0.0
    rate_hz: float = 0.0
    """Rows per second by the capture stamps."""
    reasons: tuple[str, ...] = ()
    """Why the verdict is not `good`."""
