"""Relabel, remove, restore and undo; other episodes' files stay as they are, and a crash in between loses nothing."""

import json
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from episode_samples import INFO
from episode_samples import SPEC
from episode_samples import SUCCESS
from episode_samples import make_dataset
from episode_samples import make_row
from episode_samples import number_in
from episode_samples import record

from vla_mbpo.episodes import edits
from vla_mbpo.episodes.check import check
from vla_mbpo.episodes.edit_log import read_edits
from vla_mbpo.episodes.edit_log import removed_ids
from vla_mbpo.episodes.edits import Editor
from vla_mbpo.episodes.folder import DatasetFolder
from vla_mbpo.episodes.reader import DatasetReader
from vla_mbpo.episodes.record import EpisodeRecord
from vla_mbpo.episodes.record import read_records
from vla_mbpo.episodes.totals import Totals
from vla_mbpo.episodes.writer import DatasetWriter
from vla_mbpo.errors import DatasetError

EPISODES, ROWS = 3, 6


@pytest.fixture(scope='module')
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_dataset(tmp_path_factory.mktemp('sound') / 'set', episodes=EPISODES, rows=ROWS)


@pytest.fixture
def root(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / 'set'))


def hashes(root: Path) -> dict[str, str]:
    """Every file of the dataset but the lock, with its hash."""
    files = (path for path in root.rglob('*') if path.is_file() and path.name != 'lock')
    return {str(p.relative_to(root)): sha256(p.read_bytes()).hexdigest() for p in files}


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    return {name for name in before | after if before.get(name) != after.get(name)}


def records(root: Path) -> list[EpisodeRecord]:
    return read_records(DatasetFolder(root), SPEC)


def hidden(root: Path) -> frozenset[str]:
    return removed_ids(read_edits(DatasetFolder(root)))


def numbers(root: Path, episode: int) -> list[int]:
    with DatasetReader(root) as reader:
        return [number_in(image) for image in reader.episode(episode).frames('head')]


def of_episode(number: int) -> list[int]:
    return [1000 * number + 3 * k for k in range(ROWS)]


def errors_in(root: Path) -> list[str]:
    return [f'{f.where}: {f.message}' for f in check(root) if f.severity == 'error']


def test_a_label_is_changed_in_the_metadata_of_its_episode_alone(root: Path) -> None:
    before = hashes(root)
    edits.relabel(root, 1, 'failure')
    names = {'meta/episodes/chunk-000/file-001.parquet', 'meta/edits.jsonl'}
    assert changed(before, hashes(root)) == names
    assert [r.result.outcome for r in records(root)] == ['success', 'failure', 'success']
    (line,) = (root / 'meta/edits.jsonl').read_text().splitlines()
    edit = json.loads(line)
    assert (edit['episode'], edit['field']) == (1, 'outcome')
    assert (edit['old'], edit['new']) == ('success', 'failure')
    assert edit['recording_id'] == records(root)[1].recording_id
    assert edit['time'].endswith('+00:00')
    assert errors_in(root) == []


def test_a_removed_last_episode_leaves_the_set_and_its_index_is_free(root: Path) -> None:
    before, last = hashes(root), records(root)[2].recording_id
    edits.remove(root, 2)
    derived = {f'meta/{name}' for name in ('info.json', 'stats.json', 'edits.jsonl')}
    differing = changed(before, hashes(root))
    assert all('file-002' in name for name in differing - derived)
    assert [r.index for r in records(root)] == [0, 1]
    assert json.loads((root / 'meta/info.json').read_text())['total_frames'] == 2 * ROWS
    assert errors_in(root) == []
    kept = DatasetFolder(DatasetFolder(root).removed(last))
    assert kept.data(2).exists()
    with DatasetWriter.open(root, SPEC) as writer:
        episode = writer.start(INFO)
        record(episode, (make_row(k, offset=5000) for k in range(ROWS)))
        assert episode.finish(SUCCESS).index == 2
    assert numbers(root, 2)[0] == 5000
    assert kept.data(2).exists()


def test_an_earlier_removed_episode_is_hidden_and_nothing_else_changes(root: Path) -> None:
    before = hashes(root)
    edits.remove(root, 0)
    assert changed(before, hashes(root)) == {'meta/edits.jsonl'}
    assert hidden(root) == {records(root)[0].recording_id}
    with DatasetWriter.open(root, SPEC) as writer:
        assert [summary.index for summary in writer.summaries] == [1, 2]
        assert writer.episodes == EPISODES
    edits.restore(root)
    assert hidden(root) == frozenset()
    assert changed(before, hashes(root)) == {'meta/edits.jsonl'}


def test_removed_episodes_that_become_the_last_ones_move_out_too(root: Path) -> None:
    edits.remove(root, 1)
    edits.remove(root, 2)
    assert [r.index for r in records(root)] == [0]
    assert errors_in(root) == []


def test_all_episodes_can_be_removed_and_brought_back(root: Path) -> None:
    for episode in (2, 1, 0):
        edits.remove(root, episode)
    assert records(root) == []
    with DatasetWriter.open(root, SPEC) as writer:
        assert writer.episodes == 0
    for _ in range(EPISODES):
        edits.undo_last(root)
    assert [numbers(root, index) for index in range(EPISODES)] == [of_episode(i) for i in range(3)]
    assert errors_in(root) == []


def test_a_restored_episode_goes_to_the_end_when_its_index_is_taken(root: Path) -> None:
    gone = records(root)[2].recording_id
    edits.remove(root, 2)
    with DatasetWriter.open(root, SPEC) as writer:
        episode = writer.start(INFO)
        record(episode, (make_row(k, offset=5000) for k in range(3)))
        episode.finish(SUCCESS)
    before = hashes(root)
    edits.restore(root, gone)
    assert all(
        'file-003' in n or 'removed-' in n or n.startswith('meta/')
        for n in changed(before, hashes(root))
    )
    assert [r.recording_id for r in records(root)].index(gone) == 3
    assert numbers(root, 3) == of_episode(2)
    with DatasetReader(root) as reader:
        assert list(reader.episode(3)['index']) == list(range(2 * ROWS + 3, 3 * ROWS + 3))
    assert errors_in(root) == []


def test_undo_takes_changes_back_newest_first(root: Path) -> None:
    before = hashes(root)
    edits.relabel(root, 0, 'failure')
    edits.remove(root, 2)
    assert edits.undo_last(root).new == 'no'
    assert len(records(root)) == EPISODES
    assert edits.undo_last(root).new == 'success'
    with pytest.raises(DatasetError, match='there is nothing to undo'):
        edits.undo_last(root)
    assert all('file-001' not in name for name in changed(before, hashes(root)))
    assert [r.result.outcome for r in records(root)] == ['success'] * EPISODES


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda root: edits.relabel(root, 3, 'failure'), 'there is no episode 3; it has 3'),
        (lambda root: edits.remove(root, -1), 'there is no episode -1; it has 3'),
        (edits.restore, 'nothing is removed'),
        (lambda root: edits.restore(root, 'abc'), "no recording 'abc' is removed"),
        (edits.undo_last, 'there is nothing to undo'),
    ],
)
def test_what_cannot_be_done_is_refused_and_nothing_changes(
    root: Path, change: Callable[[Path], object], message: str
) -> None:
    before = hashes(root)
    with pytest.raises(DatasetError, match=message):
        change(root)
    assert hashes(root) == before


def test_a_removed_episode_must_be_restored_before_it_is_changed(root: Path) -> None:
    edits.remove(root, 0)
    with pytest.raises(DatasetError, match='episode 0 is removed; restore it first'):
        edits.relabel(root, 0, 'failure')


def test_a_dataset_that_is_being_recorded_is_changed_by_its_recorder_only(root: Path) -> None:
    with DatasetWriter.open(root, SPEC) as writer:
        with pytest.raises(DatasetError, match='is being written to by process'):
            edits.relabel(root, 0, 'failure')
        writer.relabel(0, 'failure')
        writer.remove(2)
        assert [summary.outcome for summary in writer.summaries] == ['failure', 'success']
        writer.undo_last()
        assert writer.episodes == EPISODES
        episode = writer.start(INFO)
        with pytest.raises(DatasetError, match='episode 3 is being recorded; finish or discard'):
            writer.remove(0)
        episode.discard()
    assert errors_in(root) == []


class Killed(BaseException):
    """Stands for the end of the process."""


STEPS = ['append_edit', 'write_table', 'move_into_place', 'commit', 'throw_away']


@pytest.mark.parametrize('step', STEPS)
@pytest.mark.parametrize('call', range(6))
def test_a_change_that_was_cut_short_anywhere_is_finished_or_has_not_happened(
    root: Path, monkeypatch: pytest.MonkeyPatch, step: str, call: int
) -> None:
    """The process dies before the `call`-th call of `step`; afterwards every recording is there once."""
    ids = {r.recording_id for r in records(root)}
    real, calls = getattr(edits, step), iter(range(100))

    def dies(*arguments: object, **options: object) -> object:
        if next(calls) == call:
            raise Killed
        return real(*arguments, **options)

    with monkeypatch.context() as patched:
        patched.setattr(edits, step, dies)
        try:
            edits.relabel(root, 1, 'failure')
            edits.remove(root, 2)
            edits.restore(root)
        except Killed:
            pass
    with DatasetWriter.open(root, SPEC) as writer:
        assert writer.recovered == () or all(not r.is_saved for r in writer.recovered)
    present = [r.recording_id for r in records(root)]
    away = {p.name.removeprefix('removed-') for p in (root / '.journal').glob('removed-*')}
    assert len(present) == len(set(present))
    assert set(present) | away == ids
    assert set(present) & away == set()
    assert away <= hidden(root)
    while hidden(root):
        edits.restore(root)
    assert [numbers(root, index) for index in range(EPISODES)] == [of_episode(i) for i in range(3)]
    assert errors_in(root) == []


def test_a_torn_last_line_of_the_log_was_never_acknowledged(root: Path) -> None:
    edits.relabel(root, 0, 'failure')
    with (root / 'meta/edits.jsonl').open('a') as file:
        file.write('{"time": "2026-')
    edits.relabel(root, 1, 'failure')
    assert [edit.episode for edit in read_edits(DatasetFolder(root))] == [0, 1]
    assert [r.result.outcome for r in records(root)] == ['failure', 'failure', 'success']


def test_a_damaged_line_of_the_log_is_named(root: Path) -> None:
    (root / 'meta/edits.jsonl').write_text('{"field": "colour"}\n')
    with pytest.raises(DatasetError, match='meta/edits.jsonl line 1 cannot be read'):
        edits.relabel(root, 0, 'failure')


def test_an_editor_leaves_the_statistics_as_a_fresh_look_gives_them(root: Path) -> None:
    folder = DatasetFolder(root)
    totals = Totals(folder, SPEC)
    totals.load(read_records(folder, SPEC))
    Editor(folder, SPEC, totals).remove(2)
    fresh = Totals(folder, SPEC)
    fresh.load(read_records(folder, SPEC))
    assert totals.statistics() == fresh.statistics()
