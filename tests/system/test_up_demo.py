"""`vla-mbpo demo` from the command to the pictures."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from vla_mbpo.episodes.check import check

pytestmark = [pytest.mark.ros, pytest.mark.timeout(120)]


def demo(cwd: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run `vla-mbpo demo` in `cwd`."""
    return subprocess.run(
        [sys.executable, '-m', 'vla_mbpo', 'demo', *words],
        cwd=cwd,
        env={**os.environ, 'PYTHONPATH': os.pathsep.join(path for path in sys.path if path)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_a_demo_records_beside_an_earlier_one_and_shows_what_it_recorded(tmp_path: Path) -> None:
    earlier = tmp_path / 'out/demo-arx_x5/kept'
    earlier.mkdir(parents=True)
    done = demo(tmp_path, '--episodes', '1', '--speed-factor', '2')
    assert done.returncode == 0, done.stdout + done.stderr
    root = tmp_path / 'out/demo-arx_x5-2'
    assert check(root) == []
    assert (root / 'contact_sheets/episode-000000.png').stat().st_size > 10_000
    assert '1 episodes' in done.stdout
    assert '1/1 saved' in (tmp_path / 'out/demo-arx_x5-2.log').read_text()
    assert earlier.is_dir()


def test_a_folder_that_holds_something_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / 'mine').mkdir()
    (tmp_path / 'mine/file').write_text('x')
    done = demo(tmp_path, '--dataset-dir', 'mine')
    assert done.returncode == 2
    assert done.stderr == (
        'vla-mbpo: dataset mine: expected a new or empty folder for the demo; it holds files\n'
    )
    assert [path.name for path in tmp_path.rglob('*')] == ['mine', 'file']


def test_a_demo_of_no_episode_is_refused(tmp_path: Path) -> None:
    done = demo(tmp_path, '--episodes', '0')
    assert (done.returncode, done.stdout) == (2, '')
    assert done.stderr == 'vla-mbpo: arguments: episodes: expected at least 1, got 0\n'
    assert not list(tmp_path.iterdir())
