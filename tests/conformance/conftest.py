"""Conformance with stock lerobot: `make conformance` makes its environment and runs these tests."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from repository import ROOT

ENVIRONMENT = ROOT / '.venv-conformance'
SIDE = Path(__file__).with_name('lerobot_side.py')
TIMEOUT_S = 600

Answers = list[dict[str, np.ndarray]]
Ask = Callable[..., Answers]


@pytest.fixture(scope='session')
def ask(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Ask:
    """Has lerobot do jobs in one process of its own; returns their arrays."""
    if not any('conformance' in argument for argument in request.config.invocation_params.args):
        pytest.skip('takes minutes and 8 GB: run by make conformance')
    python = ENVIRONMENT / 'bin/python'
    if not (ENVIRONMENT / 'complete').exists():
        pytest.skip(f'{ENVIRONMENT.name} with lerobot is not there: make conformance makes it')
    folder = tmp_path_factory.mktemp('lerobot')

    def run(*jobs: dict[str, Any]) -> Answers:
        number = len(list(folder.iterdir()))
        work = [{**job, 'out': str(folder / f'{number}-{i}.npz')} for i, job in enumerate(jobs)]
        listing = folder / f'{number}.json'
        listing.write_text(json.dumps(work, default=str))
        result = subprocess.run(
            [python, SIDE, listing],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
            env={
                'HOME': str(folder),
                'PATH': os.environ['PATH'],
                'HF_HUB_OFFLINE': '1',
                'OMP_NUM_THREADS': '1',
            },
        )
        assert result.returncode == 0, result.stderr[-4000:]
        return [dict(np.load(job['out'])) for job in work]

    return run
