"""The commands that make datasets out of datasets: what they print and how they exit."""

import json
import shutil
from pathlib import Path

import pytest
from episode_samples import make_dataset
from lerobot_samples import DATA
from lerobot_samples import episode_rows
from lerobot_samples import make_lerobot
from lerobot_samples import write_rows

from vla_mbpo.cli.dataset import main
from vla_mbpo.errors import DatasetError

LENGTHS = (20, 24, 16)


@pytest.fixture
def torn(tmp_path: Path) -> Path:
    root = make_lerobot(tmp_path / 'torn', LENGTHS)
    tables = [episode_rows(e, n, sum(LENGTHS[:e])) for e, n in enumerate(LENGTHS)]
    write_rows(root / DATA, tables, footer=False)
    shutil.rmtree(root / 'meta/episodes')
    return root


def test_check_of_somebody_elses_dataset(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = make_lerobot(tmp_path / 'set', (30, 30))
    assert main(['check', str(root), '--deep', '--json']) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown['is_clean']
    assert shown['findings'] == []
    assert {p['feature'] for p in shown['pairing']} <= {
        'observation.images.top',
        'observation.images.wrist',
    }
    assert not any(p['certain'] or p['pieces'] for p in shown['pairing'])


def test_repair_says_what_was_kept_of_each_episode(
    torn: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(['repair', str(torn), '--out', str(tmp_path / 'fixed')]) == 0
    shown = capsys.readouterr().out
    assert 'kept episode 1 -> 1, 24 rows' in shown
    assert '3 of 3 episodes whole, 60 of 60 rows kept' in shown
    assert main(['check', str(tmp_path / 'fixed'), '--no-pairing']) == 0


def test_repair_that_loses_rows_exits_1(
    torn: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (torn / DATA).write_bytes((torn / DATA).read_bytes()[:-100])
    assert main(['repair', str(torn), '--out', str(tmp_path / 'fixed'), '--json']) == 0
    assert len(json.loads(capsys.readouterr().out)['episodes']) == 2
    video = torn / 'videos/observation.images.top/chunk-000/file-000.mp4'
    content = video.read_bytes()
    video.write_bytes(content[: len(content) // 2])
    assert main(['repair', str(torn), '--out', str(tmp_path / 'less'), '--json']) == 1
    shown = json.loads(capsys.readouterr().out)
    assert not shown['is_complete']
    assert 0 < sum(episode['kept'] for episode in shown['episodes']) < 44


@pytest.mark.parametrize(
    'arguments', [[], ['--in-place'], ['--out', 'x', '--in-place'], ['--backup', 'x']]
)
def test_repair_without_a_copy_is_refused(torn: Path, arguments: list[str]) -> None:
    with pytest.raises(DatasetError, match='is never changed without a copy'):
        main(['repair', str(torn), *arguments])


def test_repair_in_place(torn: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    backup = str(tmp_path / 'backup')
    assert main(['repair', str(torn), '--in-place', '--backup', backup]) == 0
    assert f'the damaged set is {backup}' in capsys.readouterr().out
    assert main(['check', str(torn), '--no-pairing']) == 0


def test_stats_of_a_stock_set_are_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = str(make_lerobot(tmp_path / 'set', (20,)))
    assert main(['stats', root]) == 1
    assert 'missing' in capsys.readouterr().out
    assert main(['stats', root, '--write']) == 0
    assert main(['stats', root, '--json']) == 0
    shown = capsys.readouterr().out
    assert json.loads(shown[shown.index('{') :])['stored_off']['action'] == 0.0


def test_merge_split_and_export_say_what_they_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    roots = [str(make_dataset(tmp_path / name, episodes=2, rows=10)) for name in 'ab']
    both = str(tmp_path / 'both')
    assert main(['merge', *roots, '--out', both]) == 0
    assert capsys.readouterr().out == f'{both}: 4 episodes, 40 frames\n'
    assert main(['split', both, '--by', '3', '--out', str(tmp_path / 'parts'), '--json']) == 0
    made = json.loads(capsys.readouterr().out)['datasets']
    assert [(Path(d['root']).name, d['episodes']) for d in made] == [('000', 3), ('001', 1)]
    out = str(tmp_path / 'out')
    arguments = ['--episodes', '1', '3', '--cameras', 'head', '--without-removed', '--plain']
    assert main(['export', both, '--out', out, *arguments]) == 0
    assert capsys.readouterr().out == f'{out}: 2 episodes, 20 frames\n'
