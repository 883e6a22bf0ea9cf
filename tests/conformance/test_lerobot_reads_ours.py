"""Stock lerobot opens datasets that our writer made and finds every frame and value."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vla_mbpo.episodes.reader import DatasetReader
from vla_mbpo.episodes.schema import ACTION
from vla_mbpo.episodes.schema import ACTION_REQUESTED
from vla_mbpo.episodes.schema import STATE
from vla_mbpo.episodes.schema import CameraFormat
from vla_mbpo.episodes.schema import DatasetSpec
from vla_mbpo.episodes.schema import EpisodeInfo
from vla_mbpo.episodes.schema import EpisodeResult
from vla_mbpo.episodes.schema import Row
from vla_mbpo.episodes.schema import Source
from vla_mbpo.episodes.schema import image_key
from vla_mbpo.episodes.windows import EpisodeWindows
from vla_mbpo.episodes.windows import Selection
from vla_mbpo.episodes.windows import seconds_of
from vla_mbpo.episodes.writer import DatasetWriter
from vla_mbpo.robots import load_robot
from vla_mbpo.tasks import load_task
from vla_mbpo_sim.collect import collect
from vla_mbpo_sim.trajectory import Pictures

pytestmark = pytest.mark.timeout(900)

SIZE = (128, 96)
EPISODES = 3
START_NS = 1_700_000_000_000_000_000
SELECTED = (2, 0)
EXACT_STATISTICS = ('min', 'max', 'mean', 'std', 'count')


@dataclass(frozen=True)
class Compared:
    """A dataset of ours and what lerobot made of it."""

    root: Path
    whole: dict[str, np.ndarray]
    windowed: dict[str, np.ndarray]
    selected: dict[str, np.ndarray]
    facts: dict
    statistics: dict[str, np.ndarray]
    training: dict[str, np.ndarray]


def record_twin(root: Path, robot_name: str) -> None:
    """Episodes of the twin without ROS, stamped as a recorder would."""
    robot, task = load_robot(robot_name), load_task('pick_cup')
    spec = DatasetSpec.of_robot(robot)
    cameras = tuple(
        CameraFormat(name=camera.name, width=SIZE[0], height=SIZE[1]) for camera in spec.cameras
    )
    pictures = Pictures(cameras=robot.camera_names, size=SIZE)
    with DatasetWriter.open(root, replace(spec, cameras=cameras)) as writer:
        for number, found in enumerate(collect(robot, task, episodes=EPISODES, pictures=pictures)):
            text = f'pick up cup {number % 2}'
            info = EpisodeInfo(task='pick_cup', instruction=text, seed=number, simulated=True)
            episode = writer.start(info)
            for k, time_ns in enumerate(found.time_ns.tolist()):
                stamps = {c: START_NS + time_ns + 1000 * i for i, c in enumerate(found.images)}
                row = Row(
                    tick_ns=START_NS + time_ns,
                    state=found.states[k],
                    action=found.actions[k],
                    action_requested=found.actions[k] + 1e-3,
                    source=Source.TELEOP,
                    success=bool(found.success[k]),
                    images={camera: images[k] for camera, images in found.images.items()},
                    capture_ns=stamps,
                    receipt_ns={camera: stamp + 500 for camera, stamp in stamps.items()},
                )
                episode.add(row)
            episode.finish(EpisodeResult(outcome='success' if found.succeeded else 'failure'))


def record_graph(root: Path) -> None:
    """An episode through the ROS graph, as an operator records it."""
    command = ['-m', 'vla_mbpo', 'up', 'collect', 'robot:=arx_x5', 'task:=pick_cup']
    subprocess.run(
        [sys.executable, *command, 'simulate:=true', f'dataset_dir:={root}', 'episodes:=1'],
        check=True,
        timeout=200,
        env={**os.environ, 'PYTHONPATH': os.pathsep.join(sys.path)},
    )


def windows_of(reader: DatasetReader) -> dict[str, list[float]]:
    fps = reader.spec.fps
    return {
        STATE: seconds_of((-2, -1, 0), fps),
        ACTION: seconds_of(range(8), fps),
        image_key(reader.spec.camera_names[0]): seconds_of((-1, 0), fps),
    }


@pytest.fixture(scope='module', params=['arx_x5', 'galaxea_r1', 'graph'])
def compared(ask, request, tmp_path_factory) -> Compared:
    root = tmp_path_factory.mktemp(request.param) / 'set'
    if request.param == 'graph':
        record_graph(root)
    else:
        record_twin(root, request.param)
    with DatasetReader(root) as reader:
        windows = windows_of(reader)
        selected = [index for index in SELECTED if index < len(reader)]
    jobs = [
        {'job': 'read', 'root': root},
        {'job': 'read', 'root': root, 'windows': windows},
        {'job': 'read', 'root': root, 'episodes': selected},
        {'job': 'metadata', 'root': root},
        {'job': 'statistics', 'root': root},
        {'job': 'train', 'root': root},
    ]
    whole, windowed, subset, meta, statistics, training = ask(*jobs)
    facts = json.loads(str(meta['facts']))
    return Compared(root, whole, windowed, subset, facts, statistics, training)


def assert_same_samples(found: dict[str, np.ndarray], ours: EpisodeWindows) -> None:
    """Every key, frame and value of every sample; what was lossy went through the same decoder."""
    samples = [ours.sample(i) for i in range(len(ours))]
    assert len(found['task']) == len(samples)
    assert set(found) == set(samples[0])
    for key, values in found.items():
        mine = np.stack([np.asarray(sample[key]) for sample in samples])
        if key.startswith('observation.images.') and mine.dtype == np.uint8:
            mine = np.moveaxis(mine, -1, -3)
        assert values.shape == mine.shape, key
        assert np.array_equal(values, mine), key


def test_every_frame_and_value_is_what_we_stored(compared: Compared) -> None:
    assert_same_samples(compared.whole, EpisodeWindows(compared.root))


def test_delta_timestamps_give_the_same_windows_and_padding(compared: Compared) -> None:
    with DatasetReader(compared.root) as reader:
        windows = windows_of(reader)
    assert_same_samples(compared.windowed, EpisodeWindows(compared.root, windows=windows))


def test_a_subset_of_episodes_gives_the_frames_of_those_episodes(compared: Compared) -> None:
    chosen = sorted(set(compared.selected['episode_index'].tolist()))
    assert chosen == sorted(index for index in SELECTED if index in compared.whole['episode_index'])
    selection = Selection(episodes=tuple(chosen))
    assert_same_samples(compared.selected, EpisodeWindows(compared.root, selection=selection))


def test_columns_that_lerobot_does_not_know_arrive_with_their_types(compared: Compared) -> None:
    tick = compared.whole['time.tick_ns']
    assert tick.dtype == np.int64
    assert tick.min() > 1_000_000
    assert compared.whole['success'].dtype == np.bool_
    assert compared.whole['flags'].dtype == np.int64
    assert compared.whole[ACTION_REQUESTED].dtype == np.float32


def test_metadata_says_what_we_say(compared: Compared) -> None:
    with DatasetReader(compared.root) as reader:
        facts = compared.facts
        assert (facts['robot_type'], facts['fps']) == (reader.spec.robot, reader.spec.fps)
        assert facts['total_episodes'] == len(reader.records)
        assert facts['total_frames'] == sum(record.length for record in reader.records)
        assert set(facts['features']) == set(reader.info['features'])
        assert facts['tasks'] == list(dict.fromkeys(r.info.instruction for r in reader.records))
        for row, kept in zip(facts['episodes'], reader.records, strict=True):
            assert row['recording_id'] == kept.recording_id
            assert (row['outcome'], row['split']) == (kept.result.outcome, kept.info.split)
            assert row['verdict'] == kept.quality.verdict
            assert row['length'] == kept.length


def test_lerobots_own_statistics_agree_where_its_method_is_exact(compared: Compared) -> None:
    values = compared.statistics
    for key in (STATE, ACTION, ACTION_REQUESTED):
        stored, own = (
            {name: values[f'{source}|{key}|{name}'] for name in EXACT_STATISTICS}
            for source in ('stored', 'own')
        )
        # It takes the difference of large float32 sums: a dim that hardly moves is lost in rounding.
        moves = stored['std'] > 1e-2
        for name in EXACT_STATISTICS:
            assert stored[name].shape == own[name].shape
            chosen = moves if name == 'std' else ...
            close = np.allclose(stored[name][chosen], own[name][chosen], rtol=1e-4, atol=1e-5)
            assert close, (key, name)


def test_stored_deviation_and_quantiles_are_those_of_all_values(compared: Compared) -> None:
    for key in (STATE, ACTION):
        every = compared.whole[key].astype(np.float64)
        assert np.allclose(compared.statistics[f'stored|{key}|std'], every.std(axis=0), rtol=1e-6)
        for name, share in (('q01', 0.01), ('q50', 0.5), ('q99', 0.99)):
            exact = np.quantile(every, share, axis=0)
            assert np.allclose(compared.statistics[f'stored|{key}|{name}'], exact, atol=1e-6)


def test_image_statistics_have_lerobots_shape_and_scale(compared: Compared) -> None:
    with DatasetReader(compared.root) as reader:
        keys = [image_key(camera) for camera in reader.spec.camera_names]
    for key in keys:
        pictures = compared.whole[key] / 255.0
        stored = {name: compared.statistics[f'stored|{key}|{name}'] for name in ('mean', 'std')}
        assert stored['mean'].shape == (3, 1, 1)
        assert np.allclose(stored['mean'][:, 0, 0], pictures.mean(axis=(0, 2, 3)), atol=0.04)
        # One pixel in 256 is counted: few in the small pictures of these datasets.
        assert np.allclose(stored['std'][:, 0, 0], pictures.std(axis=(0, 2, 3)), atol=0.04)


def test_act_trains_on_it(compared: Compared) -> None:
    losses = compared.training['losses']
    assert np.isfinite(losses).all()
    assert losses[-1] < losses[0]
    with DatasetReader(compared.root) as reader:
        expected = {image_key(camera) for camera in reader.spec.camera_names}
    assert set(compared.training['cameras'].tolist()) == expected
