"""Messages say what, where, what was expected and what exists."""

from pathlib import Path

from vla_mbpo.errors import ConfigError
from vla_mbpo.errors import DatasetError
from vla_mbpo.errors import MissingDependencyError
from vla_mbpo.errors import ShapeError
from vla_mbpo.errors import UnknownNameError
from vla_mbpo.errors import VlaMbpoError
from vla_mbpo.errors import nearest


def test_nearest_suggests_a_typo_and_nothing_far_away() -> None:
    assert nearest('haed', ['head', 'left_wrist']) == " Did you mean 'head'?"
    assert nearest('elbow', ['head', 'left_wrist']) == ''


def test_an_unknown_name_lists_what_exists_and_where() -> None:
    error = UnknownNameError('task', 'pick_cap', known=['pick_cup', 'fold_towel'], where='tasks')
    assert str(error) == (
        "unknown task 'pick_cap' in tasks; known: pick_cup, fold_towel. Did you mean 'pick_cup'?"
    )
    assert str(UnknownNameError('task', 'x', known=[])) == "unknown task 'x'; known: none."


def test_config_errors_keep_every_problem_on_one_line() -> None:
    error = ConfigError('a.yaml', ['x: missing key', 'y: missing key'])
    assert str(error) == 'a.yaml: x: missing key; y: missing key'
    assert error.problems == ('x: missing key', 'y: missing key')


def test_all_messages_fit_on_one_line_and_share_a_base() -> None:
    errors: list[VlaMbpoError] = [
        ShapeError('state', expected=(14,), got=(13,)),
        MissingDependencyError('pyzed', needed_for='the ZED camera', remedy='Install the ZED SDK.'),
        DatasetError(Path('/data'), 'is of another robot'),
    ]
    assert [str(error) for error in errors] == [
        'state: expected shape (14,), got (13,)',
        'pyzed is missing; it is needed for the ZED camera. Install the ZED SDK.',
        'dataset /data: is of another robot',
    ]
