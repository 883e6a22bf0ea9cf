"""A robot whose pictures and joints both say what time it truly was, and the faults that may befall their streams.

Every picture shows its number as big blocks, and every joint state is its true time in seconds, so that a saved row
tells whether its picture and its state belong together, whatever its stamps say.
"""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import replace

import numpy as np
from episode_samples import number_in

from vla_mbpo.episodes.reader import Episode
from vla_mbpo.episodes.schema import ACTION
from vla_mbpo.episodes.schema import FLAGS
from vla_mbpo.episodes.schema import STATE
from vla_mbpo.episodes.schema import DatasetSpec

CAMERA_RATE_HZ = 30.0
STREAM_RATE_HZ = 100.0
PHASE_S = 0.004
"""Cameras run freely: each exposes this much after the one before."""
DELAYS_S = {'frame': 0.012, 'state': 0.002, 'sent': 0.001, 'requested': 0.003}
ACTION_OFFSET = 100.0
BUDGET_S = 0.5 / CAMERA_RATE_HZ
TOLERANCE_S = 1e-4
"""Joints are stored as float32."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that a stream delivers."""

    kind: str
    """'frame', 'state', 'sent' or 'requested'."""
    camera: str = ''
    true_s: float
    """When it was so."""
    stamp_s: float
    """When its sender says that it was so."""
    arrival_s: float
    shown: int = -1
    """Number that the picture shows: with phase and rate, its true time."""
    number: int = -1
    """Number that the device gives it."""


Fault = Callable[[Event], Iterable[Event]]
"""What becomes of an event."""


def events(spec: DatasetSpec, seconds: float, *faults: Fault) -> list[Event]:
    """All events of a run in order of arrival, after the faults."""
    found = [*_frames(spec, seconds), *_samples(seconds)]
    for fault in faults:
        found = [after for before in found for after in fault(before)]
    return sorted(found, key=lambda event: event.arrival_s)


def _frames(spec: DatasetSpec, seconds: float) -> Iterator[Event]:
    for place, camera in enumerate(spec.camera_names):
        for n in range(round(seconds * CAMERA_RATE_HZ)):
            true_s = exposure_s(place, n)
            yield Event(
                kind='frame',
                camera=camera,
                true_s=true_s,
                stamp_s=true_s,
                arrival_s=true_s + DELAYS_S['frame'],
                shown=n,
                number=n,
            )


def _samples(seconds: float) -> Iterator[Event]:
    for k in range(round(seconds * STREAM_RATE_HZ)):
        t = k / STREAM_RATE_HZ
        for kind in ('state', 'sent', *(['requested'] if k % 5 == 0 else [])):
            yield Event(kind=kind, true_s=t, stamp_s=t, arrival_s=t + DELAYS_S[kind])


def exposure_s(place: int, number: int) -> float:
    """True time of picture `number` of the camera at `place` in the stored order."""
    return number / CAMERA_RATE_HZ + place * PHASE_S


def stalled(camera: str, first_s: float, last_s: float) -> Fault:
    """The camera delivers nothing."""
    return _on_frames(camera, first_s, last_s, lambda event: [])


def burst(camera: str, first_s: float, last_s: float) -> Fault:
    """What is sent arrives at once, in the end."""

    def deliver_late(event: Event) -> list[Event]:
        late_s = last_s + (event.arrival_s - first_s) * 1e-3
        return [replace(event, arrival_s=late_s)]

    return _on_frames(camera, first_s, last_s, deliver_late)


def frozen(camera: str, first_s: float, last_s: float, *, place: int) -> Fault:
    """The device repeats one picture, with its number, under new stamps."""
    number = round((first_s - place * PHASE_S) * CAMERA_RATE_HZ)

    def repeat(event: Event) -> list[Event]:
        return [replace(event, shown=number, number=number)]

    return _on_frames(camera, first_s, last_s, repeat)


def clock_set(camera: str, first_s: float, last_s: float, *, by_s: float) -> Fault:
    """The camera's clock is wrong for a while."""
    return _on_frames(
        camera, first_s, last_s, lambda event: [replace(event, stamp_s=event.stamp_s + by_s)]
    )


def _on_frames(camera: str, first_s: float, last_s: float, fault: Fault) -> Fault:
    def apply(event: Event) -> Iterable[Event]:
        is_hit = event.camera == camera and first_s <= event.true_s < last_s
        return fault(event) if is_hit else [event]

    return apply


@dataclass(frozen=True, kw_only=True)
class Pairing:
    """What a saved episode shows, row by row."""

    true_s: np.ndarray
    """[N, camera]: when each picture was truly taken."""
    state_s: np.ndarray
    """[N]: when the joints were truly so."""
    action_s: np.ndarray
    flags: np.ndarray

    @property
    def is_wrong(self) -> np.ndarray:
        """[N]: whether a picture, or the action, is of another time than the state."""
        off = np.abs(self.true_s - self.state_s[:, None])
        is_apart = (off > BUDGET_S + TOLERANCE_S).any(axis=1)
        step = np.abs(self.action_s - self.state_s - self.action_step_s)
        return np.asarray(is_apart | (step > TOLERANCE_S))

    action_step_s: float = 1 / 15

    @property
    def unflagged_wrong(self) -> list[int]:
        """Rows that pair what does not belong together, and do not say so."""
        return [int(k) for k in np.flatnonzero(self.is_wrong & (self.flags == 0))]

    def flagged_between(self, first_s: float, last_s: float) -> np.ndarray:
        """Flags of the rows whose state is of that time."""
        return self.flags[(self.state_s >= first_s) & (self.state_s < last_s)]


def pairing(episode: Episode, cameras: tuple[str, ...]) -> Pairing:
    """Decode every picture of a saved episode."""
    true = [
        [exposure_s(place, number_in(shrunk(image))) for image in episode.frames(camera)]
        for place, camera in enumerate(cameras)
    ]
    return Pairing(
        true_s=np.array(true).T,
        state_s=np.asarray(episode[STATE][:, 0], dtype=np.float64),
        action_s=np.asarray(episode[ACTION][:, 0], dtype=np.float64) - ACTION_OFFSET,
        flags=np.asarray(episode[FLAGS]),
    )


def shrunk(image: np.ndarray) -> np.ndarray:
    """A picture of any size as the 64x48 one that `number_in` reads."""
    factor = image.shape[0] // 48
    return image[factor // 2 :: factor, factor // 2 :: factor]
