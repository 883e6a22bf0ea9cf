"""Merging and splitting keeps every row beside its picture, its labels and exact statistics."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from episode_samples import CAMERAS
from episode_samples import INFO
from episode_samples import SPEC
from episode_samples import make_dataset
from episode_samples import make_row
from episode_samples import number_in
from episode_samples import record
from episode_samples import report
from lerobot_samples import make_lerobot
from lerobot_samples import number_of
from lerobot_samples import shown

from vla_mbpo.episodes.check import check
from vla_mbpo.episodes.edits import remove
from vla_mbpo.episodes.foreign import AnyDataset
from vla_mbpo.episodes.merge import merge
from vla_mbpo.episodes.merge import split
from vla_mbpo.episodes.reader import DatasetReader
from vla_mbpo.episodes.schema import EpisodeResult
from vla_mbpo.episodes.schema import Outcome
from vla_mbpo.episodes.writer import DatasetWriter
from vla_mbpo.errors import DatasetError

ROWS = 12


def labelled(root: Path, labels: list[tuple[str, Outcome]]) -> Path:
    """One episode per condition and outcome; episode e shows numbers from 1000 e on."""
    with DatasetWriter.open(root, SPEC) as writer:
        for number, (condition, outcome) in enumerate(labels):
            info = replace(INFO, condition=condition, instruction=f'do it {condition}')
            episode = writer.start(info)
            record(episode, (make_row(k, offset=1000 * number) for k in range(ROWS)))
            episode.finish(EpisodeResult(outcome=outcome), report(ROWS))
    return root


def errors(root: Path) -> list[str]:
    return [f.message for f in check(root, deep=True) if f.severity != 'note']


def test_merged_sets_are_sound_and_every_row_has_its_picture(tmp_path: Path) -> None:
    first = make_dataset(tmp_path / 'a', episodes=2, rows=ROWS)
    second = labelled(tmp_path / 'b', [('red', 'success'), ('blue', 'failure')])
    merge([first, second], tmp_path / 'both')
    assert errors(tmp_path / 'both') == []
    with DatasetReader(tmp_path / 'both') as reader:
        assert [r.info.condition for r in reader.records] == ['bare', 'bare', 'red', 'blue']
        assert [r.first_index for r in reader.records] == [0, 12, 24, 36]
        assert reader.info['total_tasks'] == 3
        for index in range(4):
            episode = reader.episode(index)
            for i, camera in enumerate(CAMERAS):
                numbers = [number_in(image) for image in episode.frames(camera)]
                assert numbers == [3 * k + i + 1000 * (index % 2) for k in range(ROWS)]
        states = np.concatenate([reader.episode(i)['observation.state'] for i in range(4)])
        stored = reader.statistics()['observation.state']
    np.testing.assert_allclose(stored['q99'], np.quantile(states.astype(float), 0.99, axis=0))


def test_videos_are_linked_not_copied(tmp_path: Path) -> None:
    root = make_dataset(tmp_path / 'a', episodes=1, rows=ROWS)
    merge([root], tmp_path / 'copy')
    name = 'videos/observation.images.head/chunk-000/file-000.mp4'
    assert (root / name).samefile(tmp_path / 'copy' / name)


def test_sets_of_others_are_merged_with_their_shared_videos(tmp_path: Path) -> None:
    roots = [make_lerobot(tmp_path / name, (10, 8)) for name in 'ab']
    dataset = merge(roots, tmp_path / 'both')
    assert errors(tmp_path / 'both') == []
    assert [e.length for e in dataset.episodes] == [10, 8, 10, 8]
    for episode in dataset.episodes:
        for key in dataset.picture_keys:
            numbers = [shown(image) for image in dataset.pictures(episode, key)]
            wanted = [number_of(episode.index % 2, k) for k in range(episode.length)]
            assert numbers == wanted


def test_the_merged_set_can_be_recorded_into(tmp_path: Path) -> None:
    root = make_dataset(tmp_path / 'a', episodes=2, rows=ROWS)
    merge([root], tmp_path / 'copy')
    with DatasetWriter.open(tmp_path / 'copy', SPEC) as writer:
        episode = writer.start(INFO)
        record(episode, (make_row(k) for k in range(ROWS)))
        episode.finish(EpisodeResult(outcome='success'), report(ROWS))
    assert errors(tmp_path / 'copy') == []


def test_removed_episodes_stay_out(tmp_path: Path) -> None:
    root = labelled(tmp_path / 'a', [('red', 'success'), ('blue', 'success')])
    remove(root, 0)
    merged = merge([root], tmp_path / 'copy')
    assert [e.metadata['condition'] for e in merged.episodes] == ['blue']
    assert errors(tmp_path / 'copy') == []


def test_the_same_recording_twice_is_refused(tmp_path: Path) -> None:
    root = make_dataset(tmp_path / 'a', episodes=1, rows=ROWS)
    merge([root], tmp_path / 'copy')
    with pytest.raises(
        DatasetError, match=r'episode 0 is the recording [0-9a-f]+, which .*/a holds'
    ):
        merge([root, tmp_path / 'copy'], tmp_path / 'both')
    assert not (tmp_path / 'both').exists()


def test_another_rate_is_refused(tmp_path: Path) -> None:
    roots = [make_lerobot(tmp_path / 'a', (10,)), make_lerobot(tmp_path / 'b', (10,), fps=5)]
    with pytest.raises(DatasetError, match=r'/b: its fps is 5, that of .*/a is 10\.'):
        merge(roots, tmp_path / 'both')


def test_another_camera_set_is_refused(tmp_path: Path) -> None:
    with DatasetWriter.open(tmp_path / 'b', replace(SPEC, cameras=SPEC.cameras[:2])):
        pass
    roots = [make_dataset(tmp_path / 'a', episodes=1, rows=ROWS), tmp_path / 'b']
    with pytest.raises(DatasetError, match='lacks observation.images.right_wrist'):
        merge(roots, tmp_path / 'both')


def test_another_robot_is_refused(tmp_path: Path) -> None:
    roots = [make_dataset(tmp_path / 'a', episodes=1, rows=ROWS), make_lerobot(tmp_path / 'b')]
    with pytest.raises(DatasetError, match='its robot_type is "so100"'):
        merge(roots, tmp_path / 'both')


@pytest.mark.parametrize(
    ('by', 'sizes'),
    [
        ('condition', {'red': 2, 'blue': 1}),
        ('outcome', {'success': 2, 'failure': 1}),
        ('split', {'seen': 3}),
        ('2', {'000': 2, '001': 1}),
    ],
)
def test_a_set_is_split(tmp_path: Path, by: str, sizes: dict[str, int]) -> None:
    labels: list[tuple[str, Outcome]] = [('red', 'success'), ('blue', 'failure')]
    root = labelled(tmp_path / 'a', [*labels, ('red', 'success')])
    made = split(root, by, tmp_path / 'parts')
    assert {name: len(dataset.episodes) for name, dataset in made.items()} == sizes
    for name in sizes:
        assert errors(tmp_path / 'parts' / name) == []


def test_splitting_by_what_is_not_there_is_refused(tmp_path: Path) -> None:
    root = make_lerobot(tmp_path / 'a', (10,))
    with pytest.raises(DatasetError, match='have no condition'):
        split(root, 'condition', tmp_path / 'parts')
    with pytest.raises(
        DatasetError, match="cannot be split by 'colour': condition, split, outcome"
    ):
        split(root, 'colour', tmp_path / 'parts')


def test_a_hostile_condition_stays_in_the_folder(tmp_path: Path) -> None:
    root = labelled(tmp_path / 'a', [('../../escape', 'success')])
    split(root, 'condition', tmp_path / 'parts')
    assert [p.name for p in (tmp_path / 'parts').iterdir()] == ['_escape']


def test_a_damaged_source_leaves_nothing_behind(tmp_path: Path) -> None:
    root = make_dataset(tmp_path / 'a', episodes=2, rows=ROWS)
    data = root / 'data/chunk-000/file-001.parquet'
    data.write_bytes(data.read_bytes()[:50])
    with pytest.raises(DatasetError, match=r'file-001.parquet cannot be read'):
        merge([root], tmp_path / 'copy')
    assert sorted(p.name for p in tmp_path.iterdir()) == ['a']


def test_metadata_is_carried_over_column_by_column(tmp_path: Path) -> None:
    root = make_dataset(tmp_path / 'a', episodes=1, rows=ROWS)
    merge([root], tmp_path / 'copy')
    name = 'meta/episodes/chunk-000/file-000.parquet'
    tables = [pq.ParquetFile(path / name).read() for path in (root, tmp_path / 'copy')]
    assert set(tables[0].column_names) == set(tables[1].column_names)
    assert tables[0].schema.metadata == tables[1].schema.metadata
    assert AnyDataset(tmp_path / 'copy').is_ours
