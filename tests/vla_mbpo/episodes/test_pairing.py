"""A video that is shifted against the rows is found from the motion alone, and a sound one is not accused."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from episode_samples import INFO
from episode_samples import SUCCESS
from episode_samples import make_row
from numpy.typing import NDArray

from vla_mbpo.episodes.check import check
from vla_mbpo.episodes.foreign import AnyDataset
from vla_mbpo.episodes.pairing import Pairing
from vla_mbpo.episodes.pairing import Piece
from vla_mbpo.episodes.pairing import estimate
from vla_mbpo.episodes.pairing import highpass
from vla_mbpo.episodes.pairing import motion_pair
from vla_mbpo.episodes.pairing import picture_motion
from vla_mbpo.episodes.pairing_check import pairing_findings
from vla_mbpo.episodes.pairing_check import pairings
from vla_mbpo.episodes.schema import CameraFormat
from vla_mbpo.episodes.schema import DatasetSpec
from vla_mbpo.episodes.writer import DatasetWriter
from vla_mbpo.robots import load_robot
from vla_mbpo.tasks import load_task
from vla_mbpo_sim.collect import collect
from vla_mbpo_sim.noise import Noise
from vla_mbpo_sim.trajectory import Pictures
from vla_mbpo_sim.trajectory import Trajectory

FPS = 15.0
SIZE = (192, 144)
CAMERAS = ('head', 'left_wrist')
EPISODES = 3
SHIFTED = 1
HALF = 0
"""An episode in which the left arm moves, whose wrist camera then tells most."""
MIDDLE = 27

Shift = Callable[[int, NDArray[np.int64]], NDArray[np.int64]]
"""From episode and rows to the rows whose pictures are stored in them."""


@pytest.fixture(scope='module')
def twin_episodes() -> list[Trajectory]:
    robot = load_robot('arx_x5')
    return list(
        collect(
            robot,
            load_task('pick_cup'),
            episodes=EPISODES,
            pictures=Pictures(cameras=CAMERAS, size=SIZE),
            noise=Noise(target_std=0.01),
        )
    )


def write(root: Path, episodes: list[Trajectory], shift: Shift, camera: str = 'head') -> Path:
    """A dataset in which the pictures of `camera` are those of other rows; sensor noise on all."""
    sizes = tuple(CameraFormat(name=name, width=SIZE[0], height=SIZE[1]) for name in CAMERAS)
    spec = replace(DatasetSpec.of_robot(load_robot('arx_x5')), cameras=sizes)
    rng = np.random.default_rng(0)
    with DatasetWriter.open(root, spec) as writer:
        for number, source in enumerate(episodes):
            episode = writer.start(INFO)
            rows = np.arange(len(source.states))
            taken = shift(number, rows)
            for k in rows[(taken >= 0) & (taken < len(rows))]:
                shown = {name: taken[k] if name == camera else k for name in CAMERAS}
                images = {name: noisy(source.images[name][shown[name]], rng) for name in CAMERAS}
                row = replace(
                    make_row(int(k)),
                    state=source.states[k],
                    action=source.actions[k],
                    action_requested=source.actions[k],
                    images=images,
                )
                episode.add(row)
            episode.finish(SUCCESS)
    return root


def noisy(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    return np.clip(image + rng.normal(0.0, 1.5, image.shape), 0, 255).astype(np.uint8)


def by_feature(root: Path) -> dict[str, Pairing]:
    return {pairing.feature: pairing for pairing in pairings(AnyDataset(root))}


def messages(root: Path) -> list[tuple[int | None, str, str]]:
    found = pairing_findings(pairings(AnyDataset(root)), FPS)
    return [(f.episode, f.where.rpartition('.')[2], f.message) for f in found]


def test_a_clean_recording_is_not_accused(tmp_path: Path, twin_episodes: list[Trajectory]) -> None:
    root = write(tmp_path / 'set', twin_episodes, lambda _, rows: rows)
    found = by_feature(root)
    assert set(found) == {f'observation.images.{name}' for name in CAMERAS}
    for pairing in found.values():
        assert pairing.is_certain
        assert pairing.offset_rows == 0
        assert abs(pairing.offset_s) < 0.2 / FPS
    assert messages(root) == []


@pytest.mark.parametrize('rows_ahead', [5, 2, -3])
def test_a_camera_that_is_off_in_the_whole_set_is_measured(
    tmp_path: Path, twin_episodes: list[Trajectory], rows_ahead: int
) -> None:
    root = write(tmp_path / 'set', twin_episodes, lambda _, rows: rows + rows_ahead)
    pairing = by_feature(root)['observation.images.head']
    assert pairing.is_certain
    assert pairing.offset_s == pytest.approx(rows_ahead / FPS, abs=0.3 / FPS)
    ((episode, camera, message),) = messages(root)
    assert (episode, camera) == (None, 'head')
    side = 'ahead of' if rows_ahead > 0 else 'behind'
    assert message.startswith(f'pictures are {abs(rows_ahead)} rows (')
    assert f' ms) {side} the joints' in message


@pytest.mark.parametrize('rows_ahead', [5, 2])
def test_one_shifted_episode_is_named(
    tmp_path: Path, twin_episodes: list[Trajectory], rows_ahead: int
) -> None:
    def shift(episode: int, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        return rows + rows_ahead * (episode == SHIFTED)

    root = write(tmp_path / 'set', twin_episodes, shift)
    ((episode, camera, message),) = messages(root)
    assert (episode, camera) == (SHIFTED, 'head')
    assert message.startswith(f'pictures are {rows_ahead} rows (')
    assert ' from row 0 to ' in message


def test_a_shift_that_begins_in_mid_episode_is_located(
    tmp_path: Path, twin_episodes: list[Trajectory]
) -> None:
    """A camera's encoder that loses five frames shows later pictures from there on."""

    def shift(episode: int, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        return rows + np.where((episode == HALF) & (rows >= MIDDLE), 5, 0)

    root = write(tmp_path / 'set', twin_episodes, shift, camera='left_wrist')
    assert not [f for f in check(root) if f.severity == 'error']  # the files are in order
    pairing = by_feature(root)['observation.images.left_wrist']
    (piece,) = pairing.pieces
    assert (piece.episode, piece.offset_rows) == (HALF, 5)
    assert abs(piece.first_row - MIDDLE) <= 4
    ((_, _, message),) = messages(root)
    assert message.startswith('pictures are 5 rows (333 ms) ahead of the joints from row ')


def test_an_arm_that_rests_says_nothing() -> None:
    pictures = np.random.default_rng(0).integers(0, 255, (60, 48, 64), dtype=np.uint8)
    assert motion_pair(0, np.zeros((60, 7)), pictures, FPS) is None


def test_a_still_picture_says_nothing() -> None:
    state = np.random.default_rng(0).normal(size=(60, 7))
    assert motion_pair(0, state, np.zeros((60, 48, 64), dtype=np.uint8), FPS) is None


def test_unrelated_motion_is_never_certain() -> None:
    rng = np.random.default_rng(1)
    for _ in range(6):
        state = np.cumsum(rng.normal(size=(120, 14)) ** 3, axis=0)
        pictures = [
            np.full((4, 4), level, dtype=np.uint8) * np.eye(4, dtype=np.uint8)
            for level in rng.integers(0, 255, 120)
        ]
        pair = motion_pair(0, state, pictures, FPS)
        assert pair is not None
        pairing = estimate('head', [pair], FPS)
        assert pairing is not None
        assert not pairing.is_certain
        assert pairing.pieces == ()


def test_a_lamp_that_is_switched_on_is_no_motion() -> None:
    dark = np.arange(64, dtype=np.uint8).reshape(8, 8)
    np.testing.assert_array_equal(picture_motion([dark, dark + 50]), [0.0])


def test_the_trend_is_taken_out_and_a_jolt_is_not() -> None:
    ramp = np.arange(40.0)[:, None]
    np.testing.assert_allclose(highpass(ramp, 7)[3:-3], 0.0, atol=1e-9)
    jolt = np.zeros((40, 1))
    jolt[20] = 7.0
    assert highpass(jolt, 7)[20, 0] == pytest.approx(6.0)


def test_without_joints_nothing_is_compared(
    tmp_path: Path, twin_episodes: list[Trajectory]
) -> None:
    root = write(tmp_path / 'set', twin_episodes[:1], lambda _, rows: rows)
    dataset = AnyDataset(root)
    for key in ('observation.state', 'action'):
        del dataset.features[key]
    assert pairings(dataset) == []


@pytest.mark.parametrize(('explained', 'findings'), [(0.3, 0), (0.9, 1)])
def test_a_camera_whose_motion_the_joints_do_not_explain_accuses_nobody(
    explained: float, findings: int
) -> None:
    piece = Piece(episode=4, first_row=0, end_row=25, offset_rows=-7, evidence=30.0)
    pairing = Pairing(
        feature='observation.images.left_wrist',
        offset_rows=0,
        offset_s=0.0,
        explained=explained,
        evidence=20.0,
        pieces=(piece,),
    )
    assert len(list(pairing_findings([pairing], FPS))) == findings
