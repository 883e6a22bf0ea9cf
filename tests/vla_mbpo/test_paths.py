"""Share files are found in workspaces, prefixes and the source tree, in this order."""

import sys
from pathlib import Path

import pytest

from vla_mbpo.errors import VlaMbpoError
from vla_mbpo.paths import REPOSITORY_ROOT
from vla_mbpo.paths import share_path
from vla_mbpo.paths import share_roots

URDF = 'urdf/arx_x5/arx_x5.urdf'


@pytest.fixture(autouse=True)
def _empty_prefix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, 'prefix', str(tmp_path / 'prefix'))
    monkeypatch.delenv('AMENT_PREFIX_PATH', raising=False)


def test_the_source_tree_serves_where_nothing_is_installed() -> None:
    assert share_path(URDF) == REPOSITORY_ROOT / URDF


def test_a_sourced_workspace_comes_before_the_prefix_and_the_source_tree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = tmp_path / 'overlay', tmp_path / 'underlay'
    monkeypatch.setenv('AMENT_PREFIX_PATH', f'{first}:{second}')
    for prefix in (tmp_path / 'prefix', second):
        found = prefix / 'share/vla_mbpo' / URDF
        found.parent.mkdir(parents=True)
        found.touch()
        assert share_path(URDF) == found
    assert share_roots()[0] == first / 'share/vla_mbpo'


def test_a_missing_file_names_the_places_that_were_searched(tmp_path: Path) -> None:
    with pytest.raises(VlaMbpoError) as caught:
        share_path('urdf/none.urdf')
    message = str(caught.value)
    assert message.startswith('share file urdf/none.urdf not found; searched: ')
    assert str(tmp_path / 'prefix/share/vla_mbpo') in message
    assert str(REPOSITORY_ROOT) in message
