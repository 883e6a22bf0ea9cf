"""An export is a clean set of its own: what was asked for and nothing else."""

import json
from pathlib import Path

import numpy as np
import pytest
from episode_samples import SPEC
from episode_samples import make_dataset
from episode_samples import number_in
from lerobot_samples import make_lerobot
from lerobot_samples import number_of
from lerobot_samples import shown

from vla_mbpo.episodes.check import check
from vla_mbpo.episodes.edits import remove
from vla_mbpo.episodes.export import export
from vla_mbpo.episodes.foreign import AnyDataset
from vla_mbpo.episodes.metadata import spec_of
from vla_mbpo.episodes.reader import DatasetReader
from vla_mbpo.episodes.recount import recount
from vla_mbpo.episodes.recount import stored_statistics
from vla_mbpo.episodes.recount import worst_deviation
from vla_mbpo.episodes.recount import write_statistics
from vla_mbpo.errors import DatasetError
from vla_mbpo.errors import UnknownNameError

ROWS = 12


@pytest.fixture(scope='module')
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_dataset(tmp_path_factory.mktemp('export') / 'set', episodes=3, rows=ROWS)


def errors(root: Path) -> list[str]:
    return [f.message for f in check(root, deep=True) if f.severity != 'note']


def test_chosen_episodes_are_numbered_without_a_gap(root: Path, tmp_path: Path) -> None:
    export(root, tmp_path / 'out', episodes=[2, 0])
    assert errors(tmp_path / 'out') == []
    with DatasetReader(tmp_path / 'out') as reader:
        assert [number_in(reader.episode(i).frame('head', 0)) for i in range(2)] == [2000, 0]


def test_a_plain_copy_has_only_what_every_lerobot_dataset_has(root: Path, tmp_path: Path) -> None:
    made = export(root, tmp_path / 'out', plain=True)
    assert not made.is_ours
    assert errors(tmp_path / 'out') == []
    assert set(made.features) == {
        'observation.state',
        'action',
        *(f'observation.images.{name}' for name in SPEC.camera_names),
        *('timestamp', 'frame_index', 'episode_index', 'index', 'task_index'),
    }
    (episode, *_) = made.episodes
    assert not {'outcome', 'recording_id', 'verdict'} & set(episode.metadata)
    assert not [key for key in episode.metadata if key.startswith('histogram/')]
    assert set(stored_statistics(made)) == set(made.features)
    assert [number_in(i) for i in made.pictures(episode, 'observation.images.head')] == [
        3 * k for k in range(ROWS)
    ]


def test_a_camera_can_be_left_out_with_its_stamps(root: Path, tmp_path: Path) -> None:
    made = export(root, tmp_path / 'out', cameras=['head', 'left_wrist'])
    assert errors(tmp_path / 'out') == []
    assert spec_of(made.folder, made.info).camera_names == ('head', 'left_wrist')
    assert not [key for key in made.features if 'right_wrist' in key]
    assert not list((tmp_path / 'out/videos').glob('*right_wrist*'))


def test_the_camera_that_is_the_clock_stays(root: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match='head is the clock of its rows'):
        export(root, tmp_path / 'out', cameras=['left_wrist'])
    export(root, tmp_path / 'out', cameras=['left_wrist'], plain=True)
    assert errors(tmp_path / 'out') == []


def test_removed_episodes_stay_out_unless_asked_for(tmp_path: Path) -> None:
    root = make_dataset(tmp_path / 'set', episodes=2, rows=ROWS)
    remove(root, 0)
    assert len(export(root, tmp_path / 'clean').episodes) == 1
    assert len(export(root, tmp_path / 'all', without_removed=False).episodes) == 2
    with pytest.raises(DatasetError, match='episode 0 is removed; restore it first'):
        export(root, tmp_path / 'one', episodes=[0])


def test_what_is_not_there_is_named(root: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match='there is no episode 7; it has 3, counted from 0'):
        export(root, tmp_path / 'out', episodes=[0, 7])
    with pytest.raises(UnknownNameError, match="unknown camera 'tail'"):
        export(root, tmp_path / 'out', cameras=['tail'])
    assert not (tmp_path / 'out').exists()


def test_one_episode_of_a_shared_video_keeps_its_pictures(tmp_path: Path) -> None:
    root = make_lerobot(tmp_path / 'set', (10, 8, 9))
    made = export(root, tmp_path / 'out', episodes=[1])
    (episode,) = made.episodes
    for key in made.picture_keys:
        numbers = [shown(image) for image in made.pictures(episode, key)]
        assert numbers == [number_of(1, k) for k in range(8)]


def test_counted_statistics_are_those_of_all_values(tmp_path: Path) -> None:
    root = make_lerobot(tmp_path / 'set', (10, 8))
    dataset = AnyDataset(root)
    counted = recount(dataset)
    values = np.concatenate(
        [np.array(dataset.table(e).column('action').to_pylist()) for e in dataset.episodes]
    )
    for name, share in (('q01', 0.01), ('q50', 0.5), ('q99', 0.99)):
        expected = np.quantile(values, share, axis=0)
        np.testing.assert_allclose(counted['action'][name], expected, atol=1e-6)
    assert counted['observation.images.top']['count'] == [18]
    assert worst_deviation(stored_statistics(dataset).get('action'), counted['action']) == np.inf
    write_statistics(dataset, counted)
    assert json.loads((root / 'meta/stats.json').read_text()) == counted


def test_our_own_statistics_are_already_exact(root: Path) -> None:
    dataset = AnyDataset(root)
    stored = stored_statistics(dataset)
    for key, exact in recount(dataset).items():
        assert worst_deviation(stored[key], exact) < 1e-6, key
