import json
import multiprocessing
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from episode_samples import CAMERAS
from episode_samples import make_dataset
from episode_samples import number_in

from vla_mbpo.episodes.reader import DatasetReader
from vla_mbpo.errors import DatasetError
from vla_mbpo.errors import UnknownNameError


@pytest.fixture(scope='module')
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_dataset(tmp_path_factory.mktemp('sound') / 'set', episodes=2, rows=12)


def test_the_layout_is_that_of_lerobot_v3(sound: Path) -> None:
    names = {str(p.relative_to(sound)) for p in sound.rglob('*') if p.is_file()}
    assert names == {
        '.journal/lock',
        'meta/info.json',
        'meta/stats.json',
        'meta/tasks.parquet',
        *(f'meta/episodes/chunk-000/file-00{i}.parquet' for i in range(2)),
        *(f'data/chunk-000/file-00{i}.parquet' for i in range(2)),
        *(
            f'videos/observation.images.{camera}/chunk-000/file-00{i}.mp4'
            for camera in CAMERAS
            for i in range(2)
        ),
    }


def test_info_states_every_feature_with_shape_names_and_units(sound: Path) -> None:
    info = json.loads((sound / 'meta/info.json').read_text())
    assert info['codebase_version'] == 'v3.0'
    assert info['fps'] == 15
    assert isinstance(info['fps'], int)
    assert (info['total_episodes'], info['total_frames'], info['total_tasks']) == (2, 24, 1)
    assert info['splits'] == {'train': '0:2'}
    assert info['features']['action'] == {
        'dtype': 'float32',
        'shape': [3],
        'names': ['joint1', 'joint2', 'gripper'],
        'units': ['rad', 'rad', 'm'],
    }
    assert info['features']['observation.images.head']['shape'] == [48, 64, 3]
    assert info['features']['success'] == {'dtype': 'bool', 'shape': [1], 'names': None}


def test_data_columns_have_the_types_that_info_states(sound: Path) -> None:
    info = json.loads((sound / 'meta/info.json').read_text())
    schema = pq.read_schema(sound / 'data/chunk-000/file-001.parquet')
    states = {k: f for k, f in info['features'].items() if f['dtype'] != 'video'}
    assert set(schema.names) == set(states)
    for name, feature in states.items():
        item = {'float32': pa.float32(), 'int64': pa.int64(), 'bool': pa.bool_()}[feature['dtype']]
        width = feature['shape'][0]
        assert schema.field(name).type == (
            item if feature['shape'] == [1] else pa.list_(item, width)
        )


def test_episode_metadata_says_where_everything_lies_and_what_happened(sound: Path) -> None:
    path = sound / 'meta/episodes/chunk-000/file-001.parquet'
    (row,) = pq.ParquetFile(path).read().to_pylist()
    assert row['tasks'] == ['pick up the cup']
    assert (row['dataset_from_index'], row['dataset_to_index'], row['length']) == (12, 24, 12)
    assert (row['data/chunk_index'], row['data/file_index']) == (0, 1)
    key = 'videos/observation.images.left_wrist'
    assert row[f'{key}/file_index'] == 1
    assert (row[f'{key}/from_timestamp'], row[f'{key}/to_timestamp']) == (0.0, 0.8)
    assert (row['outcome'], row['split'], row['condition'], row['seed']) == (
        'success',
        'seen',
        'bare',
        3,
    )
    assert (row['verdict'], row['flagged_rows'], row['max_skew_ms']) == ('good', 0, 2.0)
    assert json.loads(row['sync_report'])['rows'] == 12
    assert np.shape(row['stats/observation.images.head/q50']) == (3, 1, 1)
    assert len(row['stats/action/q01']) == 3


def test_tasks_are_indexed_by_instruction_for_pandas(sound: Path) -> None:
    table = pq.read_table(sound / 'meta/tasks.parquet')
    assert table.to_pydict() == {'task_index': [0], '__index_level_0__': ['pick up the cup']}
    pandas = json.loads(table.schema.metadata[b'pandas'])
    assert pandas['index_columns'] == ['__index_level_0__']


def test_summaries_are_what_the_table_shows(sound: Path) -> None:
    summary = DatasetReader(sound).summaries()[1]
    assert (summary.index, summary.frames, summary.duration_s) == (1, 12, 0.8)
    assert summary.rate_hz == pytest.approx(15.0, abs=1e-4)
    assert (summary.skew_p50_ms, summary.max_skew_ms, summary.reasons) == (2.0, 2.0, ())


def test_no_more_videos_than_allowed_are_open_and_pictures_stay_right(sound: Path) -> None:
    with DatasetReader(sound, open_videos=2) as reader:
        episodes = [reader.episode(0), reader.episode(1)]
        for k in (3, 9, 4):
            for e, episode in enumerate(episodes):
                for i, camera in enumerate(CAMERAS):
                    assert number_in(episode.frame(camera, k)) == 1000 * e + 3 * k + i
        assert len(reader._videos) == 2


def test_frames_come_right_in_any_order_and_any_mixture(sound: Path) -> None:
    rng = np.random.default_rng(0)
    with DatasetReader(sound) as reader:
        episode = reader.episode(1)
        running = episode.frames('head')
        for k in [0, 0, 1, 2, 11, 11, 10, 3, *rng.integers(0, 12, 100)]:
            assert number_in(episode.frame('head', int(k))) == 1000 + 3 * k
        assert [number_in(image) for image in running] == [1000 + 3 * k for k in range(12)]


def test_frames_outside_the_video_are_refused_and_the_next_ones_are_right(sound: Path) -> None:
    with DatasetReader(sound) as reader:
        episode = reader.episode(0)
        for k in (12, -1, 1000):
            with pytest.raises(DatasetError, match=f'file-000.mp4 has no frame {k}'):
                episode.frame('head', k)
            assert number_in(episode.frame('head', 5)) == 15


def test_a_picture_is_the_callers_own(sound: Path) -> None:
    with DatasetReader(sound) as reader:
        first = reader.episode(0).frame('head', 4)
        first[:] = 0
        assert number_in(reader.episode(0).frame('head', 4)) == 12


def numbers(reader: DatasetReader, results: 'multiprocessing.Queue') -> None:
    results.put([number_in(reader.episode(0).frame('head', k)) for k in (7, 2, 9, 3)])


@pytest.mark.filterwarnings('ignore:.*multi-threaded:DeprecationWarning')
@pytest.mark.parametrize('method', ['fork', 'spawn'])
def test_a_reader_with_open_videos_works_on_in_another_process(sound: Path, method: str) -> None:
    context = multiprocessing.get_context(method)
    results = context.Queue()
    with DatasetReader(sound) as reader:
        mine = reader.episode(0)
        assert number_in(mine.frame('head', 0)) == 0
        child = context.Process(target=numbers, args=(reader, results))
        child.start()
        assert [number_in(mine.frame('head', k)) for k in range(1, 12)] == [*range(3, 36, 3)]
        assert results.get(timeout=60) == [21, 6, 27, 9]
        child.join()


def test_unknown_names_and_numbers_are_refused(sound: Path) -> None:
    with DatasetReader(sound) as reader:
        with pytest.raises(DatasetError, match='there is no episode 2; it has 2, counted from 0'):
            reader.episode(2)
        with pytest.raises(UnknownNameError, match="unknown camera 'chest'; known: head, left"):
            reader.episode(0).frame('chest', 0)
        with pytest.raises(
            UnknownNameError, match="unknown column 'actoin'.*Did you mean 'action'"
        ):
            reader.episode(0)['actoin']


def test_a_folder_without_dataset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match='meta/info.json is missing'):
        DatasetReader(tmp_path)
    with pytest.raises(DatasetError, match='there is no such folder'):
        DatasetReader(tmp_path / 'nowhere')


@pytest.mark.parametrize(
    ('file', 'content', 'message'),
    [
        ('meta/info.json', '{"codebase', 'meta/info.json cannot be read'),
        ('meta/info.json', '[]', 'meta/info.json holds no JSON object'),
        (
            'meta/info.json',
            '{"codebase_version": "v2.1"}',
            "codebase_version 'v2.1', expected 'v3.0'",
        ),
        (
            'meta/info.json',
            '{"codebase_version": "v3.0", "vla_mbpo_schema": 99}',
            'vla_mbpo_schema 99, expected 1 or 2',
        ),
        (
            'meta/info.json',
            '{"codebase_version": "v3.0", "vla_mbpo_schema": 1}',
            "meta/info.json lacks or garbles 'features'",
        ),
        (
            'meta/episodes/chunk-000/file-001.parquet',
            'PAR1',
            r'meta/episodes/chunk-000/file-001.parquet cannot be read',
        ),
    ],
)
def test_corrupt_metadata_is_named(tmp_path: Path, file: str, content: str, message: str) -> None:
    root = make_dataset(tmp_path / 'set', episodes=2, rows=2)
    (root / file).write_text(content)
    with pytest.raises(DatasetError, match=message):
        DatasetReader(root)


def test_a_corrupt_or_missing_episode_file_is_named(tmp_path: Path) -> None:
    root = make_dataset(tmp_path / 'set', episodes=2, rows=4)
    (root / 'data/chunk-000/file-000.parquet').unlink()
    video = root / 'videos/observation.images.head/chunk-000/file-001.mp4'
    video.write_bytes(b'not a video at all')
    with DatasetReader(root) as reader:
        with pytest.raises(DatasetError, match='data/chunk-000/file-000.parquet is missing'):
            reader.episode(0)
        with pytest.raises(DatasetError, match=r'head/chunk-000/file-001.mp4 cannot be read'):
            reader.episode(1).frame('head', 0)


def test_a_missing_episode_in_between_is_refused(tmp_path: Path) -> None:
    root = make_dataset(tmp_path / 'set', episodes=3, rows=2)
    (root / 'meta/episodes/chunk-000/file-001.parquet').unlink()
    with pytest.raises(DatasetError, match='file-002.parquet holds episode 2, expected episode 1'):
        DatasetReader(root)
