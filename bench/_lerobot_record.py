"""Child of record.py, in the environment that has lerobot: records in real time as its recorder does.

Arguments: png or streaming, seconds. Prints a line of JSON.
"""

import json
import resource
import sys
import tempfile
import time
import warnings
from importlib.metadata import version
from pathlib import Path

import cv2
import numpy as np
from lerobot.datasets.lerobot_dataset import LeRobotDataset

RATE_HZ = 15
CAMERAS = ('head', 'left_wrist', 'right_wrist')
DIMS = 7
WIDTH, HEIGHT = 640, 480
PICTURES = 30
NOISE_LEVELS = 1.2


def pictures(camera: int) -> list[np.ndarray]:
    """As the pictures of `_episodes.Scene`, a ring of them."""
    rng = np.random.default_rng(camera)
    coarse = rng.integers(0, 256, (30, 40, 3), dtype=np.uint8)
    texture = cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    found = []
    for k in range(PICTURES):
        noise = rng.normal(0, NOISE_LEVELS, texture.shape).round()
        image = np.roll(np.clip(texture + noise, 0, 255).astype(np.uint8), 3 * k, axis=1)
        centre = (int(320 + 200 * np.sin(k / 15)), int(240 + 150 * np.cos(k / 11)))
        found.append(cv2.circle(image, centre, 60, (220, 80, 40), -1))
    return found


def cpu_s() -> float:
    """Processor seconds of this process and its children that ended."""
    parts = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(part.ru_utime + part.ru_stime for part in parts)


def main() -> None:
    """Record one episode in real time, save it, print the figures."""
    warnings.simplefilter('ignore')
    path, seconds = sys.argv[1], float(sys.argv[2])
    video = {
        'dtype': 'video',
        'shape': (HEIGHT, WIDTH, 3),
        'names': ['height', 'width', 'channels'],
    }
    vector = {'dtype': 'float32', 'shape': (DIMS,), 'names': [f'joint{i}' for i in range(DIMS)]}
    features = {'observation.state': vector, 'action': vector}
    features |= {f'observation.images.{camera}': video for camera in CAMERAS}
    ring = {camera: pictures(i) for i, camera in enumerate(CAMERAS)}
    with tempfile.TemporaryDirectory() as folder:
        dataset = LeRobotDataset.create(
            'bench/set',
            fps=RATE_HZ,
            features=features,
            root=Path(folder) / 'set',
            image_writer_threads=4 * len(CAMERAS),
            streaming_encoding=path == 'streaming',
        )
        encoder = dataset._streaming_encoder  # noqa: SLF001  it tells nobody what it dropped
        start_s, start_cpu_s, late = time.monotonic(), cpu_s(), 0
        for k in range(round(seconds * RATE_HZ)):
            wait_s = start_s + k / RATE_HZ - time.monotonic()
            late += wait_s < -1 / RATE_HZ
            time.sleep(max(wait_s, 0.0))
            values = np.sin(k / 20 + np.arange(DIMS)).astype(np.float32)
            frame = {f'observation.images.{c}': ring[c][k % PICTURES] for c in CAMERAS}
            dataset.add_frame(
                {**frame, 'observation.state': values, 'action': values, 'task': 'pick up the cup'}
            )
        stop_s = time.monotonic()
        drops = encoder._dropped_frames if encoder else {}  # noqa: SLF001  as above
        drops = dict(drops)
        dataset.save_episode()
        figures = {
            'version': version('lerobot'),
            'cpu_s': cpu_s() - start_cpu_s,
            'ready_s': time.monotonic() - stop_s,
            'dropped': sum(drops.values()),
            'late': late,
        }
        dataset.finalize()
    print(json.dumps(figures))


if __name__ == '__main__':
    main()
