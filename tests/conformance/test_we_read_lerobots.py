"""A dataset that stock lerobot wrote is opened by our reader, with every frame beside its own row."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from episode_samples import burned
from episode_samples import number_in

from vla_mbpo.episodes.foreign import AnyDataset

pytestmark = pytest.mark.timeout(600)

LENGTHS = (9, 12, 7)
CAMERAS = ('observation.images.top', 'observation.images.wrist')
FPS = 15
SCALE = 2


def shown(k: int, camera: int) -> np.ndarray:
    return np.kron(burned(2 * k + camera), np.ones((SCALE, SCALE, 1), np.uint8))


@dataclass(frozen=True)
class Written:
    """A dataset of lerobot's, what was given to it and what it reads from it."""

    root: Path
    rows: dict[str, np.ndarray]
    read: dict[str, np.ndarray]


@pytest.fixture(scope='module', params=['h264', 'libsvtav1'])
def written(ask, request, tmp_path_factory) -> Written:
    folder = tmp_path_factory.mktemp(f'theirs-{request.param}')
    root, count = folder / 'set', sum(LENGTHS)
    rng = np.random.default_rng(0)
    rows = {
        'episode': np.repeat(np.arange(len(LENGTHS)), LENGTHS),
        'task': np.array([f'task {k}' for k in np.repeat((0, 1, 0), LENGTHS)]),
        'observation.state': rng.normal(size=(count, 7)).astype(np.float32),
        'action': rng.normal(size=(count, 7)).astype(np.float32),
        **{key: np.stack([shown(k, i) for k in range(count)]) for i, key in enumerate(CAMERAS)},
    }
    np.savez(folder / 'rows.npz', **rows)
    job = {'job': 'write', 'rows': folder / 'rows.npz', 'fps': FPS, 'vcodec': request.param}
    answer, read = ask({**job, 'root': root}, {'job': 'read', 'root': root})
    assert answer['frames'] == count
    return Written(root, rows, read)


def test_every_row_and_frame_of_every_episode_is_what_lerobot_reads(written: Written) -> None:
    dataset = AnyDataset(written.root)
    assert not dataset.is_ours
    assert [episode.length for episode in dataset.episodes] == list(LENGTHS)
    first = 0
    for episode in dataset.episodes:
        span = slice(first, first + episode.length)
        table = dataset.table(episode)
        for key in ('observation.state', 'action'):
            values = np.array(table.column(key).to_pylist(), np.float32)
            assert np.array_equal(values, written.rows[key][span])
        for key in CAMERAS:
            pictures = np.stack(list(dataset.pictures(episode, key)))
            assert np.array_equal(np.moveaxis(pictures, -1, 1), written.read[key][span])
        assert episode.tasks == (written.rows['task'][first],)
        first += episode.length


@pytest.mark.parametrize('written', ['h264'], indirect=True)
def test_the_pictures_show_what_was_recorded_with_their_rows(written: Written) -> None:
    dataset = AnyDataset(written.root)
    for i, key in enumerate(CAMERAS):
        pictures = [image for e in dataset.episodes for image in dataset.pictures(e, key)]
        numbers = [number_in(image[::SCALE, ::SCALE]) for image in pictures]
        assert numbers == [2 * k + i for k in range(sum(LENGTHS))]
