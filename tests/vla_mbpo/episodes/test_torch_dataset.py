import json
from pathlib import Path

import numpy as np
import pytest
import torch
from episode_samples import CAMERAS
from episode_samples import FPS
from episode_samples import INFO
from episode_samples import SPEC
from episode_samples import make_dataset
from episode_samples import make_row
from episode_samples import number_in
from episode_samples import record
from torch.utils.data import DataLoader

from vla_mbpo.episodes.edits import remove
from vla_mbpo.episodes.order import SeededOrder
from vla_mbpo.episodes.reader import DatasetReader
from vla_mbpo.episodes.schema import ACTION
from vla_mbpo.episodes.schema import STATE
from vla_mbpo.episodes.schema import EpisodeInfo
from vla_mbpo.episodes.schema import EpisodeResult
from vla_mbpo.episodes.schema import image_key
from vla_mbpo.episodes.torch_dataset import EpisodeDataset
from vla_mbpo.episodes.windows import EpisodeWindows
from vla_mbpo.episodes.windows import Selection
from vla_mbpo.episodes.windows import seconds_of
from vla_mbpo.episodes.writer import DatasetWriter
from vla_mbpo.errors import ConfigError
from vla_mbpo.errors import DatasetError
from vla_mbpo.errors import UnknownNameError

ROWS = 10
HEAD = image_key('head')
WINDOWS = {
    STATE: seconds_of((-1, 0), FPS),
    ACTION: seconds_of(range(4), FPS),
    HEAD: seconds_of((-2, 0), FPS),
}


@pytest.fixture(scope='module')
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_dataset(tmp_path_factory.mktemp('torch') / 'set', episodes=3, rows=ROWS)


@pytest.fixture(scope='module')
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Episodes: seen success, unseen success, seen failure."""
    root = tmp_path_factory.mktemp('labelled') / 'set'
    unseen = EpisodeInfo(task='pick_cup', instruction='take the red cup', split='unseen')
    with DatasetWriter.open(root, SPEC) as writer:
        for info, outcome in ((INFO, 'success'), (unseen, 'success'), (INFO, 'failure')):
            episode = writer.start(info)
            record(episode, (make_row(k) for k in range(4)))
            episode.finish(EpisodeResult(outcome=outcome))
    return root


def shown(picture: torch.Tensor) -> int:
    return number_in(picture.movedim(-3, -1).numpy())


def test_a_sample_without_windows_is_the_row_with_all_cameras(root: Path) -> None:
    dataset = EpisodeDataset(root)
    assert len(dataset) == 3 * ROWS
    sample = dataset[ROWS + 4]
    episode = DatasetReader(root).episode(1)
    for key, values in episode.columns.items():
        assert np.array_equal(sample[key].numpy(), values[4]), key
    assert [shown(sample[image_key(name)]) for name in CAMERAS] == [1012, 1013, 1014]
    assert sample[HEAD].shape == (3, 48, 64)
    assert sample[HEAD].dtype == torch.uint8
    assert sample['task'] == 'pick up the cup'


def test_windows_show_history_and_future_and_stop_at_the_ends_of_the_episode(root: Path) -> None:
    dataset = EpisodeDataset(root, windows=WINDOWS, cameras=['head'])
    episode = DatasetReader(root).episode(1)
    for row in range(ROWS):
        sample = dataset[ROWS + row]
        states = [max(row - 1, 0), row]
        actions = [min(row + k, ROWS - 1) for k in range(4)]
        pictures = [max(row - 2, 0), row]
        assert np.array_equal(sample[STATE].numpy(), episode[STATE][states])
        assert np.array_equal(sample[ACTION].numpy(), episode[ACTION][actions])
        assert [shown(picture) for picture in sample[HEAD]] == [1000 + 3 * k for k in pictures]
        assert sample[f'{STATE}_is_pad'].tolist() == [row < 1, False]
        assert sample[f'{ACTION}_is_pad'].tolist() == [row + k >= ROWS for k in range(4)]
        assert sample[f'{HEAD}_is_pad'].tolist() == [row < 2, False]
        assert image_key('left_wrist') not in sample


def test_only_the_wanted_columns_are_loaded(root: Path) -> None:
    sample = EpisodeDataset(root, cameras=[], columns=[ACTION])[3]
    assert set(sample) == {ACTION, 'task'}


def test_the_image_transform_gets_every_picture_channels_first(root: Path) -> None:
    def small(pictures: torch.Tensor) -> torch.Tensor:
        return pictures[..., ::2, ::2].float() / 255

    dataset = EpisodeDataset(root, windows=WINDOWS, image_transform=small)
    assert dataset[0][HEAD].shape == (2, 3, 24, 32)
    assert dataset[0][image_key('left_wrist')].dtype == torch.float32
    assert dataset[0][f'{HEAD}_is_pad'].dtype == torch.bool


@pytest.mark.parametrize(
    ('selection', 'expected'),
    [
        (Selection(), (0, 1, 2)),
        (Selection(episodes=(2, 0)), (2, 0)),
        (Selection(splits=('seen',)), (0, 2)),
        (Selection(splits=('seen',), outcomes=('success',)), (0,)),
        (Selection(outcomes=('failure',)), (2,)),
        (Selection(verdicts=('good',), tasks=('pick_cup',)), (0, 1, 2)),
    ],
)
def test_a_selection_admits_the_episodes_that_fit(
    labelled: Path, selection: Selection, expected: tuple[int, ...]
) -> None:
    samples = EpisodeWindows(labelled, selection=selection)
    assert samples.episodes == expected
    assert [samples.place(i)[0] for i in range(0, len(samples), 4)] == list(expected)
    assert [samples.sample(i)['episode_index'] for i in range(0, len(samples), 4)] == list(expected)


def test_a_removed_episode_gives_no_samples(tmp_path: Path) -> None:
    root = make_dataset(tmp_path / 'set', episodes=3, rows=3)
    remove(root, 1)
    assert EpisodeWindows(root, cameras=[]).episodes == (0, 2)
    with pytest.raises(DatasetError, match='episode 1 was removed; restore it first'):
        EpisodeWindows(root, selection=Selection(episodes=(0, 1)))


def test_the_instruction_is_that_of_the_episode(labelled: Path) -> None:
    samples = EpisodeWindows(labelled, cameras=[])
    assert [samples.sample(i)['task'] for i in (3, 4, 8)] == [
        'pick up the cup',
        'take the red cup',
        'pick up the cup',
    ]


def test_what_does_not_exist_is_refused_with_what_does(root: Path) -> None:
    with pytest.raises(UnknownNameError, match="unknown camera 'chest'; known: head, left_wrist"):
        EpisodeWindows(root, cameras=['chest'])
    with pytest.raises(UnknownNameError, match="unknown column 'actoin'.*Did you mean 'action'"):
        EpisodeWindows(root, columns=['actoin'])
    with pytest.raises(UnknownNameError, match="unknown feature 'state' in windows"):
        EpisodeWindows(root, windows={'state': [0.0]})
    with pytest.raises(ConfigError, match=r'offset 0.05 s lies between two rows of 15 Hz'):
        EpisodeWindows(root, windows={STATE: [0.0, 0.05]})
    with pytest.raises(DatasetError, match='there is no episode 3; it has 3'):
        EpisodeWindows(root, selection=Selection(episodes=(0, 3)))
    with pytest.raises(DatasetError, match='none of its 3 episodes fits'):
        EpisodeWindows(root, selection=Selection(outcomes=('failure',)))
    with pytest.raises(IndexError, match='there is no sample 30; there are 30'):
        EpisodeDataset(root)[30]


# Python 3.12 warns of forks in processes with threads; torch has some.
@pytest.mark.filterwarnings('ignore:.*multi-threaded:DeprecationWarning')
@pytest.mark.parametrize('method', ['fork', 'spawn'])
def test_workers_give_the_same_batches_as_no_workers(root: Path, method: str) -> None:
    dataset = EpisodeDataset(root, windows=WINDOWS, cameras=['head'])
    assert shown(dataset[0][HEAD][1]) == 0  # the parent's video is open when workers fork
    order = SeededOrder(len(dataset), seed=5, epochs=1)
    plain = list(DataLoader(dataset, batch_size=4, sampler=order))
    loader = DataLoader(
        dataset, batch_size=4, sampler=order, num_workers=2, multiprocessing_context=method
    )
    for one, other in zip(plain, loader, strict=True):
        assert set(one) == set(other)
        for key, value in one.items():
            if key == 'task':
                assert value == other[key]
            else:
                assert torch.equal(value, other[key]), key
        for number, pictures in zip(one['index'].tolist(), other[HEAD], strict=True):
            episode, row = dataset.samples.place(number)
            assert shown(pictures[1]) == 1000 * episode + 3 * row


def test_every_epoch_has_each_sample_once_in_an_order_of_its_own() -> None:
    order = list(SeededOrder(50, seed=1, epochs=2))
    assert sorted(order[:50]) == sorted(order[50:]) == list(range(50))
    assert order[:50] != order[50:]
    assert order == list(SeededOrder(50, seed=1, epochs=2))
    assert order != list(SeededOrder(50, seed=2, epochs=2))


@pytest.mark.filterwarnings('ignore:.*multi-threaded:DeprecationWarning')
@pytest.mark.parametrize('used_batches', [0, 1, 5, 7, 8, 9, 14])
@pytest.mark.parametrize('workers', [0, 2])
def test_a_resumed_order_gives_exactly_the_remaining_samples(
    root: Path, used_batches: int, workers: int
) -> None:
    dataset = EpisodeDataset(root, cameras=[], columns=['index'])
    batch_size = 4

    def batches(order: SeededOrder) -> DataLoader:
        return DataLoader(dataset, batch_size, sampler=order, num_workers=workers)

    whole = [b['index'].tolist() for b in batches(SeededOrder(len(dataset), seed=3, epochs=2))]
    order = SeededOrder(len(dataset), seed=3, epochs=2)
    for _, batch in zip(range(used_batches), batches(order), strict=False):
        order.advance(len(batch['index']))
    state = json.loads(json.dumps(order.state_dict()))
    resumed = SeededOrder(len(dataset), seed=3, epochs=2)
    resumed.load_state_dict(state)
    assert [b['index'].tolist() for b in batches(resumed)] == whole[used_batches:]


def test_a_state_of_another_order_is_refused() -> None:
    state = SeededOrder(50, seed=1).state_dict()
    with pytest.raises(ConfigError, match='length is 50, this order has 49'):
        SeededOrder(49, seed=1).load_state_dict(state)
    with pytest.raises(ConfigError, match='seed is 1, this order has 2'):
        SeededOrder(50, seed=2).load_state_dict(state)
    with pytest.raises(ConfigError, match='lacks position'):
        SeededOrder(50, seed=1).load_state_dict({'seed': 1, 'length': 50, 'epoch': 0})
    with pytest.raises(ConfigError, match='expected at least one sample'):
        SeededOrder(0, seed=1)


def test_a_training_step_runs_on_a_batch(root: Path) -> None:
    dataset = EpisodeDataset(root, windows=WINDOWS, cameras=['head'])
    batch = next(iter(DataLoader(dataset, batch_size=8, sampler=SeededOrder(len(dataset), seed=0))))
    model = torch.nn.Linear(6, 12)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    losses = []
    for _ in range(20):
        error = model(batch[STATE].flatten(1)) - batch[ACTION].flatten(1)
        weight = (~batch[f'{ACTION}_is_pad']).repeat_interleave(3, dim=1)
        loss = (error.square() * weight).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]
