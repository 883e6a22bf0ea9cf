"""`vla-mbpo robots`."""

import json
from pathlib import Path

import pytest

from vla_mbpo.cli import main as cli
from vla_mbpo.cli import robots
from vla_mbpo.robots import load_robot
from vla_mbpo.robots import robot_names
from vla_mbpo.robots.urdf import to_urdf


def test_every_robot_is_listed_with_width_groups_and_rates(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert robots.main([]) == 0
    shown = capsys.readouterr().out
    for name in robot_names():
        robot = load_robot(name)
        (line,) = [line for line in shown.splitlines() if line.split()[:1] == [name]]
        assert line.split()[1] == str(robot.action.width)
        assert f'command {robot.file.command_rate_hz:g}' in line
    assert 'also galaxy_r1' in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_one_robots_layout_shows_every_dim_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    assert robots.main(['galaxy_r1']) == 0
    shown = capsys.readouterr().out
    rows = [line.split() for line in shown.splitlines()]
    names = [row[1] for row in rows if row and row[0].isdigit()]
    assert names == list(load_robot('galaxea_r1').action.names)
    assert 'held unless asked for: torso' in shown
    assert 'to be checked on the real robot:' in shown


def test_json_is_one_object_for_one_robot_and_a_list_for_all(
    capsys: pytest.CaptureFixture[str],
) -> None:
    robots.main(['arx_x5', '--json'])
    one = json.loads(capsys.readouterr().out)
    assert [dim['name'] for dim in one['action']] == list(load_robot('arx_x5').action.names)
    assert one['rates_hz'] == {'command': 100.0, 'policy': 15.0, 'record': 15.0, 'servo': 500.0}
    robots.main(['--json'])
    assert [robot['name'] for robot in json.loads(capsys.readouterr().out)] == list(robot_names())


def test_generated_files_go_below_the_given_folders(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ['arx_x5', '--write-urdf', str(tmp_path / 'urdf')]
    assert robots.main([*arguments, '--write-calibration', str(tmp_path / 'calibration')]) == 0
    written = [Path(line) for line in capsys.readouterr().out.splitlines()]
    assert all(path.is_file() for path in written)
    assert len(written) == 4
    assert written[0].read_text() == to_urdf(load_robot('arx_x5'))


def test_an_unknown_robot_ends_with_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(['robots', 'arx_x6']) == 2
    assert "Did you mean 'arx_x5'?" in capsys.readouterr().err


def test_an_unknown_option_ends_with_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        robots.main(['--jsn'])
    assert caught.value.code == 2
    assert '--json' in capsys.readouterr().err


@pytest.mark.parametrize('option', ['--write-urdf', '--write-calibration'])
def test_a_folder_that_cannot_be_written_is_one_line(
    option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / 'file').touch()
    assert cli.main(['robots', 'arx_x5', option, str(tmp_path / 'file')]) == 2
    error = capsys.readouterr().err
    assert error == f'vla-mbpo: {tmp_path}/file/arx_x5 cannot be written: Not a directory\n'
