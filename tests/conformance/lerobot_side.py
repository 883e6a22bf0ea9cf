"""Runs in the environment that has lerobot: does jobs with the real classes and writes what they gave as arrays.

Use: lerobot_side.py JOBS.json, a list of {"job": NAME, "out": FILE.npz, ...}; one process, as the import takes seconds.
"""

import json
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lerobot.configs.types import FeatureType
from lerobot.datasets.compute_stats import aggregate_stats
from lerobot.datasets.compute_stats import compute_episode_stats
from lerobot.datasets.factory import resolve_delta_timestamps
from lerobot.datasets.lerobot_dataset import LeRobotDataset
from lerobot.datasets.lerobot_dataset import LeRobotDatasetMetadata
from lerobot.policies.act.configuration_act import ACTConfig
from lerobot.policies.factory import make_policy
from lerobot.policies.factory import make_pre_post_processors

REPO = 'conformance/set'
Job = dict[str, Any]


def opened(job: Job, **options: Any) -> LeRobotDataset:
    return LeRobotDataset(REPO, root=job['root'], video_backend='pyav', **options)


def read(job: Job) -> dict[str, np.ndarray]:
    """Every sample of a dataset; pictures as uint8 [T, 3, H, W]."""
    dataset = opened(job, episodes=job.get('episodes'), delta_timestamps=job.get('windows'))
    pictures = set(dataset.meta.video_keys)
    samples = [as_arrays(dataset[i], pictures) for i in range(len(dataset))]
    return {key: np.stack([sample[key] for sample in samples]) for key in samples[0]}


def as_arrays(sample: dict[str, Any], pictures: set[str]) -> dict[str, np.ndarray]:
    """Arrays of a sample; floats of pictures back to uint8, which is what was decoded."""
    found = {}
    for key, value in sample.items():
        scaled = (value * 255).round().to(torch.uint8) if key in pictures else value
        found[key] = scaled.numpy() if isinstance(scaled, torch.Tensor) else np.array(scaled)
    return found


def metadata(job: Job) -> dict[str, np.ndarray]:
    """What lerobot's metadata class makes of a dataset, as JSON."""
    meta = LeRobotDatasetMetadata(REPO, root=job['root'])
    columns = meta.episodes.column_names
    facts = {
        'fps': meta.fps,
        'robot_type': meta.robot_type,
        'total_episodes': meta.total_episodes,
        'total_frames': meta.total_frames,
        'features': {key: list(feature['shape']) for key, feature in meta.features.items()},
        'tasks': list(meta.tasks.index),
        'episodes': [
            {key: row[key] for key in columns if not key.startswith(('stats/', 'histogram/'))}
            for row in meta.episodes
        ],
    }
    return {'facts': np.array(json.dumps(facts, default=str))}


def statistics(job: Job) -> dict[str, np.ndarray]:
    """The stored statistics as lerobot loads them, and its own of every episode and of the whole set."""
    dataset = opened(job)
    numeric = {k: f for k, f in dataset.features.items() if f['dtype'].startswith('float')}
    per_episode = []
    for episode in dataset.meta.episodes:
        begin, end = episode['dataset_from_index'], episode['dataset_to_index']
        rows = dataset.hf_dataset[begin:end]
        data = {key: torch.stack(list(rows[key])).numpy() for key in numeric}
        per_episode.append(compute_episode_stats(data, numeric))
    found = {}
    for source, stats in (('stored', dataset.meta.stats), ('own', aggregate_stats(per_episode))):
        for key, values in stats.items():
            found |= {f'{source}|{key}|{name}': np.asarray(value) for name, value in values.items()}
    return found


def train(job: Job) -> dict[str, np.ndarray]:
    """Steps of a small ACT on one batch; gives the losses."""
    torch.manual_seed(0)
    meta = LeRobotDatasetMetadata(REPO, root=job['root'])
    config = ACTConfig(
        chunk_size=8,
        n_action_steps=8,
        dim_model=32,
        n_heads=2,
        dim_feedforward=64,
        n_encoder_layers=1,
        n_vae_encoder_layers=1,
        dropout=0.0,
        pretrained_backbone_weights=None,
        device='cpu',
        push_to_hub=False,
    )
    policy = make_policy(config, ds_meta=meta)
    dataset = opened(job, delta_timestamps=resolve_delta_timestamps(config, meta))
    prepare, _ = make_pre_post_processors(config, dataset_stats=meta.stats)
    loader = torch.utils.data.DataLoader(dataset, batch_size=4, shuffle=True)
    batch = prepare(next(iter(loader)))
    optimiser = torch.optim.AdamW(policy.get_optim_params(), lr=1e-3)
    losses = []
    for _ in range(3):
        loss, _ = policy.forward(batch)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    visual = [k for k, f in config.input_features.items() if f.type is FeatureType.VISUAL]
    return {'losses': np.array(losses), 'cameras': np.array(visual)}


def write(job: Job) -> dict[str, np.ndarray]:
    """A dataset as lerobot writes it: pictures of two cameras with a number in each, from arrays of a file."""
    given = np.load(job['rows'])
    keys = [key for key in given.files if key not in ('episode', 'task')]
    features = {}
    for key in keys:
        values = given[key]
        is_picture = values.ndim == 4
        features[key] = {
            'dtype': 'video' if is_picture else 'float32',
            'shape': values.shape[1:],
            'names': ['height', 'width', 'channels'] if is_picture else None,
        }
    dataset = LeRobotDataset.create(
        REPO, fps=job['fps'], features=features, root=job['root'], vcodec=job.get('vcodec', 'h264')
    )
    for episode in np.unique(given['episode']):
        for row in np.flatnonzero(given['episode'] == episode):
            frame = {key: given[key][row] for key in keys}
            dataset.add_frame({**frame, 'task': str(given['task'][row])})
        dataset.save_episode()
    dataset.finalize()
    return {'frames': np.array(dataset.meta.total_frames)}


JOBS: dict[str, Callable[[Job], dict[str, np.ndarray]]] = {
    'read': read,
    'metadata': metadata,
    'statistics': statistics,
    'train': train,
    'write': write,
}


def main() -> None:
    """Do the jobs in order; the first that fails ends the program with lerobot's own error."""
    warnings.simplefilter('ignore')
    torch.set_num_threads(1)
    for job in json.loads(Path(sys.argv[1]).read_text(encoding='utf-8')):
        np.savez(job['out'], **JOBS[job['job']](job))


if __name__ == '__main__':
    main()
