from pathlib import Path

import numpy as np
import pytest
from episode_samples import CAMERAS
from episode_samples import INFO
from episode_samples import SPEC
from episode_samples import SUCCESS
from episode_samples import make_row
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from vla_mbpo.episodes.reader import DatasetReader
from vla_mbpo.episodes.running import RunningStatistics
from vla_mbpo.episodes.statistics import PIXEL_STRIDE
from vla_mbpo.episodes.statistics import QUANTILES
from vla_mbpo.episodes.statistics import PixelHistogram
from vla_mbpo.episodes.statistics import column_statistics
from vla_mbpo.episodes.writer import DatasetWriter


def test_quantiles_of_the_whole_set_equal_numpy_on_the_whole_columns(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    sent = []
    with DatasetWriter.open(tmp_path / 'set', SPEC) as writer:
        for offset in (-2.0, 0.5, 3.0):  # episodes that overlap nowhere
            episode = writer.start(INFO)
            for k in range(rng.integers(10, 40)):
                action = offset + 0.1 * rng.normal(size=3)
                row = make_row(k)
                sent.append(action)
                episode.add(row.__class__(**{**vars(row), 'action': action}))
            episode.finish(SUCCESS)
    column = np.array(sent).astype(np.float32)
    stored = DatasetReader(tmp_path / 'set').statistics()['action']
    for name, q in QUANTILES.items():
        np.testing.assert_allclose(stored[name], np.quantile(column, q, axis=0), atol=1e-6)
    np.testing.assert_allclose(stored['mean'], column.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(stored['std'], column.std(axis=0), atol=1e-6)
    np.testing.assert_allclose(stored['min'], column.min(axis=0))
    np.testing.assert_allclose(stored['max'], column.max(axis=0))
    assert stored['count'] == [len(sent)]


def test_scalar_columns_have_lists_of_one_number() -> None:
    stats = column_statistics(np.array([False, True, True, True]))
    assert (stats['mean'], stats['min'], stats['count']) == ([0.75], [0.0], [4])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=4))
def test_picture_statistics_equal_numpy_on_the_counted_pixels(seeds: list[int]) -> None:
    images = [
        np.random.default_rng(seed).integers(0, 256, (48, 64, 3), dtype=np.uint8) for seed in seeds
    ]
    parts = []
    for image in images:
        part = PixelHistogram()
        part.add(image)
        parts.append(part)
    total = PixelHistogram.summed(parts)
    half = PIXEL_STRIDE // 2
    pixels = np.concatenate(
        [i[half::PIXEL_STRIDE, half::PIXEL_STRIDE].reshape(-1, 3) for i in images]
    )
    stats = total.statistics()
    for name, q in QUANTILES.items():
        expected = np.quantile(pixels / 255, q, axis=0).reshape(3, 1, 1)
        np.testing.assert_allclose(stats[name], expected, atol=1e-9)
    np.testing.assert_allclose(np.ravel(stats['std']), (pixels / 255).std(axis=0), atol=1e-9)
    assert stats['count'] == [len(images)]


def test_picture_statistics_are_stored_per_camera_as_3_1_1(tmp_path: Path) -> None:
    with DatasetWriter.open(tmp_path / 'set', SPEC) as writer:
        episode = writer.start(INFO)
        episode.add(make_row(0))
        episode.finish(SUCCESS)
    stats = DatasetReader(tmp_path / 'set').statistics()
    for camera in CAMERAS:
        entry = stats[f'observation.images.{camera}']
        assert np.shape(entry['mean']) == (3, 1, 1)
        assert 0.0 <= entry['min'][0][0][0] <= entry['q99'][0][0][0] <= 1.0


def test_a_histogram_survives_its_list() -> None:
    histogram = PixelHistogram()
    histogram.add(np.full((48, 64, 3), (1, 2, 255), dtype=np.uint8))
    again = PixelHistogram.from_list(histogram.to_list(), histogram.frames)
    assert again.statistics() == histogram.statistics()
    assert again.statistics()['max'] == [[[pytest.approx(1 / 255)]], [[2 / 255]], [[1.0]]]


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.lists(st.integers(1, 40), min_size=1, max_size=6),
    st.sampled_from(['float32', 'int64', 'bool']),
)
def test_statistics_that_grow_by_episodes_equal_those_of_all_rows_at_once(
    seed: int, lengths: list[int], dtype: str
) -> None:
    rng = np.random.default_rng(seed)
    parts = [(rng.normal(2.0, 3.0, (length, 3)) + rng.normal()).astype(dtype) for length in lengths]
    running = RunningStatistics()
    for part in parts:
        running.add(part)
    found, expected = running.statistics(), column_statistics(np.concatenate(parts))
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-9, atol=1e-9, err_msg=name)


def test_taking_in_an_episode_leaves_the_statistics_of_the_ones_before_exact() -> None:
    running = RunningStatistics()
    rows = np.random.default_rng(0).normal(1e6, 1e-3, (50_000, 2))  # a large offset, a small spread
    for part in np.split(rows, 100):
        running.add(part)
    np.testing.assert_allclose(running.statistics()['std'], rows.std(axis=0), rtol=1e-7)
    np.testing.assert_array_equal(running.statistics()['q50'], np.quantile(rows, 0.5, axis=0))
