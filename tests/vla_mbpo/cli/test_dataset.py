import json
from pathlib import Path

import pytest
from episode_samples import SPEC
from episode_samples import make_dataset

from vla_mbpo.cli.dataset import main
from vla_mbpo.episodes.writer import DatasetWriter
from vla_mbpo.errors import DatasetError


@pytest.fixture(scope='module')
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_dataset(tmp_path_factory.mktemp('cli') / 'set', episodes=2, rows=15)


def test_info_shows_a_line_per_episode_and_totals(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(['info', str(root)]) == 0
    shown = capsys.readouterr().out
    assert 'test_robot, 15 Hz, 3 state dims, 3 action dims' in shown
    lines = [line.split() for line in shown.splitlines()]
    assert lines[3][:5] == ['0', '15', '1.0', '15.00', 'pick_cup']
    assert lines[3][5:9] == ['seen', 'bare', 'success', '0']
    assert lines[3][9:] == ['2.0', '2.0', '2.0', 'good']
    assert '2 episodes, 30 frames, 2.0 s; 2 of 2 succeeded (100%); 0 rows flagged' in shown


def test_info_json_has_the_same_figures(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['info', str(root), '--json']) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown['totals'] == {
        'episodes': 2,
        'frames': 30,
        'seconds': 2.0,
        'successes': 2,
        'flagged_rows': 0,
    }
    assert shown['episodes'][1]['verdict'] == 'good'
    assert shown['cameras'][0] == {'name': 'head', 'width': 64, 'height': 48}


def test_info_of_an_empty_dataset_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    DatasetWriter.open(tmp_path / 'set', SPEC).close()
    assert main(['info', str(tmp_path / 'set')]) == 0
    assert 'no episodes yet' in capsys.readouterr().out
    assert main(['check', str(tmp_path / 'set')]) == 0


def test_check_of_a_sound_dataset_exits_0(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['check', str(root)]) == 0
    assert 'sound (0 errors, 0 warnings, 1 notes)' in capsys.readouterr().out


def test_check_of_a_damaged_dataset_exits_1_and_names_the_damage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = make_dataset(tmp_path / 'set', episodes=1, rows=5)
    (root / 'videos/observation.images.head/chunk-000/file-000.mp4').unlink()
    assert main(['check', str(root)]) == 1
    shown = capsys.readouterr().out
    assert 'error episode 0, videos/observation.images.head/chunk-000/file-000.mp4: is' in shown
    assert main(['check', str(root), '--json']) == 1
    report = json.loads(capsys.readouterr().out)
    assert report['is_clean'] is False
    assert [f['severity'] for f in report['findings']].count('error') == 1


def test_what_cannot_be_read_raises_for_the_frame_to_print(tmp_path: Path) -> None:
    for command in ('info', 'check', 'contact-sheet'):
        with pytest.raises(DatasetError, match='there is no such folder'):
            main([command, str(tmp_path / 'nowhere')])


def test_contact_sheets_are_written_and_named(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(['contact-sheet', str(root), '--out', str(tmp_path / 'sheets')]) == 0
    written = capsys.readouterr().out.split()
    assert written == [str(tmp_path / f'sheets/episode-00000{i}.png') for i in range(2)]
    assert main(['contact-sheet', str(root), '--episode', '1', '--out', f'{tmp_path}/one.png']) == 0
    assert (tmp_path / 'one.png').read_bytes() == Path(written[1]).read_bytes()


def test_unknown_subcommands_exit_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(['inof'])
    assert stopped.value.code == 2
    capsys.readouterr()
