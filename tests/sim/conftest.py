"""Twins that tests of one file share; `reset` brings them to a known state."""

from collections.abc import Iterator

import pytest

from vla_mbpo.robots import load_robot
from vla_mbpo.tasks import load_task
from vla_mbpo_sim.twin import Twin


@pytest.fixture(scope='module')
def twin() -> Iterator[Twin]:
    made = Twin(load_robot('arx_x5'), load_task('pick_cup'))
    yield made
    made.close()
