"""Child of read.py, in the environment that has lerobot. Arguments: dataset folder, samples. Prints a line of JSON."""

import json
import sys
import time
import warnings
from importlib.metadata import version

import numpy as np
import torch
from lerobot.datasets.lerobot_dataset import LeRobotDataset


def cpu_ms(dataset: LeRobotDataset, numbers: list[int]) -> float:
    """CPU milliseconds per sample."""
    dataset[numbers[0]]
    begin_s = time.process_time()
    for number in numbers:
        dataset[number]
    return (time.process_time() - begin_s) / len(numbers) * 1e3


def main() -> None:
    """Measure random and sequential samples."""
    warnings.simplefilter('ignore')
    torch.set_num_threads(1)
    dataset = LeRobotDataset('bench/set', root=sys.argv[1], video_backend='pyav')
    count = int(sys.argv[2])
    numbers = np.random.default_rng(0).integers(len(dataset), size=count).tolist()
    random_ms = cpu_ms(dataset, numbers)
    rate = 1e3 / cpu_ms(dataset, list(range(count)))
    print(json.dumps({'version': version('lerobot'), 'random_ms': random_ms, 'rate': rate}))


if __name__ == '__main__':
    main()
