"""Environment of every test process: its own ROS domain, loopback only, checked message fields, quiet threads."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path

import pytest

# Domains above 101 reach into the ports that Linux hands out to clients.
ROS_DOMAINS = range(1, 102)


def claim_ros_domain() -> tuple[int, TextIOWrapper]:
    """A ROS domain that no other test process of this machine uses, and the lock that keeps it ours.

    xdist workers and test runs of other checkouts claim theirs in the same way.
    """
    folder = Path(tempfile.gettempdir()) / f'vla_mbpo_ros_domains_{os.getuid()}'
    folder.mkdir(exist_ok=True)
    for domain in ROS_DOMAINS:
        lock = (folder / str(domain)).open('w')
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
        else:
            return domain, lock
    raise RuntimeError(
        f'all {len(ROS_DOMAINS)} ROS domains are in use by test processes; see {folder}'
    )


DOMAIN, DOMAIN_LOCK = claim_ros_domain()
os.environ |= {
    'ROS_DOMAIN_ID': str(DOMAIN),
    'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST',
    'ROS_PYTHON_CHECK_FIELDS': '1',
    'OMP_NUM_THREADS': '1',
}


@pytest.fixture(scope='session', autouse=True)
def _ros_logs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the nodes' log files out of the home folder."""
    os.environ['ROS_LOG_DIR'] = str(tmp_path_factory.mktemp('ros_log'))
    yield
    DOMAIN_LOCK.close()
