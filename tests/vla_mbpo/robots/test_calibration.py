"""The hash names the calibration and nothing else."""

from pathlib import Path

import pytest

from vla_mbpo import paths
from vla_mbpo.errors import VlaMbpoError
from vla_mbpo.robots import robot_names
from vla_mbpo.robots.calibration import calibration_hash


@pytest.fixture
def share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(paths, 'share_roots', lambda: [tmp_path])
    folder = tmp_path / 'calibration/somebot'
    folder.mkdir(parents=True)
    (folder / 'a.yaml').write_text('x: 1\n')
    (folder / 'b.yaml').write_text('y: 2\n')
    return folder


@pytest.mark.parametrize('robot', robot_names())
def test_every_robot_has_one(robot: str) -> None:
    assert len(calibration_hash(robot)) == 64


def test_it_changes_with_every_file_and_its_name_and_with_nothing_else(share: Path) -> None:
    first = calibration_hash('somebot')
    (share / 'README.md').write_text('how it was made')
    assert calibration_hash('somebot') == first
    (share / 'b.yaml').write_text('y: 3\n')
    second = calibration_hash('somebot')
    (share / 'b.yaml').rename(share / 'c.yaml')
    assert len({first, second, calibration_hash('somebot')}) == 3


def test_a_robot_without_calibration_is_refused(share: Path) -> None:
    with pytest.raises(VlaMbpoError, match='share file calibration/nobot not found'):
        calibration_hash('nobot')
    for file in share.iterdir():
        file.unlink()
    with pytest.raises(VlaMbpoError, match='holds no calibration'):
        calibration_hash('somebot')
