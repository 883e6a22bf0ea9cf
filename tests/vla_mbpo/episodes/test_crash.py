"""kill -9 and a full disk, in real processes."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from episode_samples import INFO
from episode_samples import SPEC
from episode_samples import SUCCESS
from episode_samples import make_row
from episode_samples import number_in
from episode_samples import record

from vla_mbpo.episodes.check import check
from vla_mbpo.episodes.reader import DatasetReader
from vla_mbpo.episodes.writer import DatasetWriter

SOURCES = os.pathsep.join(path for path in sys.path if path)
SAVED = 2

RECORDER = """
    import os, signal, sys, time
    from pathlib import Path
    import vla_mbpo.episodes.publish as publishing
    from episode_samples import INFO, SPEC, SUCCESS, make_row, record, report
    from vla_mbpo.episodes.totals import Totals
    from vla_mbpo.episodes.writer import DatasetWriter

    root, point = Path(sys.argv[1]), sys.argv[2]

    def die(*_):
        os.kill(os.getpid(), signal.SIGKILL)

    writer = DatasetWriter.open(root, SPEC)
    for index in range(2):
        episode = writer.start(INFO)
        record(episode, (make_row(k, offset=1000 * index) for k in range(20)))
        episode.finish(SUCCESS, report(20))
    episode = writer.start(INFO)
    for k in range(30):
        episode.add(make_row(k, offset=2000))
        time.sleep(0.002)
        if point == str(k):
            time.sleep(0.3 if k else 0.0)  # rows come faster here than encoders start
            die()
    if point == 'staged':
        publishing.record_table = die
    if point == 'published':
        publishing.write_table = die
    if point == 'committed':
        Totals.write = die
    if point == 'totals':
        import vla_mbpo.episodes.writer as writing
        writing.retire = die
    episode.finish(SUCCESS, report(30))
"""


def run(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, '-c', textwrap.dedent(code), *arguments],
        env={**os.environ, 'PYTHONPATH': SOURCES},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def assert_saved(root: Path, episodes: int) -> None:
    with DatasetReader(root) as reader:
        assert len(reader) == episodes
        for index in range(episodes):
            episode = reader.episode(index)
            numbers = [number_in(image) for image in episode.frames('head')]
            assert numbers == [1000 * index + 3 * k for k in range(len(episode))]


@pytest.mark.parametrize('point', ['0', '7', '29', 'staged', 'published', 'committed', 'totals'])
def test_kill_9_loses_no_saved_episode_and_saves_the_open_one(tmp_path: Path, point: str) -> None:
    root = tmp_path / 'set'
    done = run(RECORDER, str(root), point)
    assert done.returncode == -signal.SIGKILL, done.stderr
    is_committed = point in {'committed', 'totals'}
    assert_saved(root, SAVED + is_committed)  # before anything is mended
    with DatasetWriter.open(root, SPEC) as writer:
        saved = writer.episodes
        if is_committed:
            assert writer.recovered == ()
        elif point != '0':  # of the first row, no picture may have reached the file yet
            (recovered,) = writer.recovered
            assert (recovered.episode, recovered.is_saved) == (SAVED, True)
            # The operator's word counts where it was given.
            assert recovered.outcome == ('unlabelled' if point.isdigit() else 'success')
            assert recovered.rows_found - recovered.rows <= 15
        assert saved in ({SAVED, SAVED + 1} if point == '0' else {SAVED + 1})
        episode = writer.start(INFO)
        record(episode, (make_row(k, offset=1000 * saved) for k in range(5)))
        episode.finish(SUCCESS)
    assert_saved(root, saved + 1)
    assert [f for f in check(root) if f.severity != 'note'] == []
    assert list((root / '.journal').glob('episode-*')) == []


FULL_DISK = """
    import resource, signal, sys, time
    from pathlib import Path
    from episode_samples import INFO, SPEC, SUCCESS, make_row, record
    from vla_mbpo.episodes.writer import DatasetWriter
    from vla_mbpo.errors import DatasetError

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    writer = DatasetWriter.open(Path(sys.argv[1]), SPEC)
    episode = writer.start(INFO)
    record(episode, map(make_row, range(10)))
    episode.finish(SUCCESS)
    episode = writer.start(INFO)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
    try:
        for k in range(int(sys.argv[3])):
            episode.add(make_row(k))
            time.sleep(0.002)
        episode.finish(SUCCESS)
    except DatasetError as error:
        print(error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    episode = writer.start(INFO)
    record(episode, map(make_row, range(10)))
    episode.finish(SUCCESS)
    writer.close()
"""


@pytest.mark.parametrize(('limit', 'rows'), [(9_000, 60), (30_000, 25)], ids=['add', 'finish'])
def test_a_full_disk_ends_the_open_episode_and_no_other(
    tmp_path: Path, limit: int, rows: int
) -> None:
    root = tmp_path / 'set'
    done = run(FULL_DISK, str(root), str(limit), str(rows))
    assert done.returncode == 0, done.stderr
    assert 'episode 1 was not saved: the disk is full. Its' in done.stdout
    assert 'the next start saves them' in done.stdout
    assert 'the 1 saved episodes are intact' in done.stdout
    with DatasetReader(root) as reader:
        assert [len(reader.episode(index)) for index in range(len(reader))] == [10, 10]
    assert [f for f in check(root) if f.severity != 'note'] == []
    with DatasetWriter.open(root, SPEC) as writer:
        (recovered,) = writer.recovered
    assert (recovered.episode, recovered.is_saved) == (2, True)
    assert recovered.rows > 0
