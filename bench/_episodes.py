"""Pictures and datasets for the recording and reading benchmarks: texture, a moving shape, sensor noise."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from vla_mbpo.episodes.schema import DatasetSpec
from vla_mbpo.episodes.schema import EpisodeInfo
from vla_mbpo.episodes.schema import EpisodeResult
from vla_mbpo.episodes.schema import Row
from vla_mbpo.episodes.schema import Source
from vla_mbpo.episodes.writer import DatasetWriter
from vla_mbpo.robots import load_robot

ROOT = Path(__file__).resolve().parent.parent
ROBOT = 'arx_x5'
WIDTH, HEIGHT = 640, 480
START_NS = 1_700_000_000_000_000_000
NOISE_LEVELS = 1.2
NOISE_PICTURES = 8


class Scene:
    """Pictures of a camera by number; cheap to make."""

    def __init__(self, camera: int) -> None:
        rng = np.random.default_rng(camera)
        coarse = rng.integers(0, 256, (30, 40, 3), dtype=np.uint8)
        texture = cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
        noise = rng.normal(0, NOISE_LEVELS, (NOISE_PICTURES, HEIGHT, WIDTH, 3)).round()
        self._noisy = np.clip(texture + noise, 0, 255).astype(np.uint8)

    def picture(self, k: int) -> NDArray[np.uint8]:
        """Picture k, uint8 [480, 640, 3] RGB."""
        image = np.roll(self._noisy[k % NOISE_PICTURES], 3 * k, axis=1)
        centre = (int(320 + 200 * np.sin(k / 15)), int(240 + 150 * np.cos(k / 11)))
        return np.asarray(cv2.circle(image, centre, 60, (220, 80, 40), -1))


def spec() -> DatasetSpec:
    """Spec of the robot, with three cameras of 640x480."""
    base = DatasetSpec.of_robot(load_robot(ROBOT))
    assert all((c.width, c.height) == (WIDTH, HEIGHT) for c in base.cameras)
    return base


def row(k: int, pictures: dict[str, NDArray[np.uint8]], described: DatasetSpec) -> Row:
    """Row k with these pictures."""
    tick = START_NS + round(k * 1e9 / described.fps)
    stamps = dict.fromkeys(pictures, tick)
    state = np.sin(k / 20 + np.arange(len(described.state_names)))
    action = np.sin(k / 20 + 0.1 + np.arange(len(described.action_names)))
    return Row(
        tick_ns=tick,
        state=state,
        action=action,
        action_requested=action,
        source=Source.TELEOP,
        success=False,
        images=pictures,
        capture_ns=stamps,
        receipt_ns=stamps,
    )


def write_dataset(root: Path, episodes: int, rows: int) -> None:
    """A dataset, written as fast as it goes."""
    described = spec()
    scenes = {name: Scene(i) for i, name in enumerate(described.camera_names)}
    with DatasetWriter.open(root, described, queued_frames=rows + 1) as writer:
        for _ in range(episodes):
            episode = writer.start(EpisodeInfo(task='pick_cup', instruction='pick up the cup'))
            for k in range(rows):
                pictures = {name: scene.picture(k) for name, scene in scenes.items()}
                episode.add(row(k, pictures, described))
            episode.finish(EpisodeResult(outcome='success'))


def lerobot_python() -> str | None:
    """Python of the environment that has lerobot, if it was made."""
    environment = ROOT / '.venv-conformance'
    return str(environment / 'bin/python') if (environment / 'complete').exists() else None
