from pathlib import Path

import pytest
from episode_samples import make_dataset

from vla_mbpo.cli.dataset import main
from vla_mbpo.episodes.reader import DatasetReader
from vla_mbpo.errors import DatasetError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_dataset(tmp_path / 'set', episodes=2, rows=4)


def outcomes(root: Path) -> list[str]:
    with DatasetReader(root) as reader:
        return [summary.outcome for summary in reader.summaries()]


def test_episodes_are_relabelled_removed_restored_and_the_last_change_undone(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(['relabel', str(root), '0', 'failure']) == 0
    assert outcomes(root) == ['failure', 'success']
    assert main(['remove', str(root), '0']) == 0
    assert outcomes(root) == ['success']
    assert main(['restore', str(root)]) == 0
    assert main(['undo', str(root)]) == 0
    assert outcomes(root) == ['success']
    printed = capsys.readouterr().out
    for words in ('outcome success -> failure', ': removed', ': restored'):
        assert words in printed


def test_only_the_two_labels_can_be_given(root: Path) -> None:
    with pytest.raises(SystemExit):
        main(['relabel', str(root), '0', 'unlabelled'])


def test_the_table_leaves_removed_episodes_out(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(['remove', str(root), '0'])
    main(['info', str(root)])
    assert '1 episodes, 4 frames' in capsys.readouterr().out


def test_an_episode_that_does_not_exist_is_refused(root: Path) -> None:
    with pytest.raises(DatasetError, match='there is no episode 9; it has 2'):
        main(['remove', str(root), '9'])
