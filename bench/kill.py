"""kill -9 at random points of recording, saving and recovery, with and without a torn disk write; counts what is lost.

Each point: a recorder process is killed; in two of four kinds the recovery that follows is killed as well; then the
dataset is opened and every picture and stamp of it compared with what was recorded. Exits 1 if a saved episode is
lost, changed or there twice, or if an open episode loses more than a second.

Use: kill.py [--points 200] [--seed 0]
"""

import argparse
import json
import logging
import multiprocessing
import os
import random
import selectors
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path

import _kill_recorder as recorder

KINDS = ('recording', 'saving', 'recovery', 'torn')
POINTS_PER_DATASET = 8
RECORDING_S = 0.75
"""Kills fall into the first second of a recorder: two episodes."""
SAVING_S = 0.06
RECOVERY_S = 0.08
BLOCK_BYTES = 4096
LOSS_LIMIT_S = 1.0
FORK = multiprocessing.get_context('fork')


@dataclass
class Ledger:
    """What recorders have said of one dataset."""

    saved: set[int] = field(default_factory=set)
    rows: dict[int, int] = field(default_factory=dict)
    """Rows stored so far, by episode tag."""

    def hear(self, line: str) -> None:
        """Take in a line of a recorder."""
        word, *numbers = line.split()
        if word == 'row':
            self.rows[int(numbers[0])] = int(numbers[1]) + 1
        elif word == 'saved':
            self.saved.add(int(numbers[0]))


@dataclass
class Losses:
    """Findings over all points."""

    points: int = 0
    saved: int = 0
    lost: int = 0
    changed: int = 0
    twice: int = 0
    most_rows: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    kills: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))


def lines_of(pipe: int, seconds: float) -> Iterator[str]:
    """Lines that arrive within `seconds`, or until the other end is closed."""
    deadline_s, rest = time.monotonic() + seconds, b''
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while selector.select(max(0.0, deadline_s - time.monotonic())):
            chunk = os.read(pipe, 65536)
            if not chunk:
                return
            *lines, rest = (rest + chunk).split(b'\n')
            yield from (line.decode() for line in lines)
            if time.monotonic() > deadline_s:
                return


class Victim:
    """A process that runs `work(root, pipe, ...)` and can be killed."""

    def __init__(self, work: Callable[..., None], root: Path, *arguments: int) -> None:
        self.pipe, child_end = os.pipe()
        self._process = FORK.Process(target=work, args=(root, child_end, *arguments))
        self._process.start()
        os.close(child_end)

    def wait_for(self, word: str, hear: Callable[[str], None]) -> None:
        """Hear lines until one begins with `word`."""
        for line in lines_of(self.pipe, 30.0):
            hear(line)
            if line.startswith(word):
                return
        sys.exit(f'kill: the process never said {word!r}')

    def hear_until_killed(self, seconds: float, hear: Callable[[str], None]) -> bool:
        """Hear lines for `seconds`, kill, hear the rest; returns whether it was still alive."""
        for line in lines_of(self.pipe, seconds):
            hear(line)
        return self.kill(hear)

    def kill(self, hear: Callable[[str], None]) -> bool:
        """Kill -9; what had been said before is heard."""
        was_alive = self._process.is_alive()
        if was_alive and self._process.pid is not None:
            os.kill(self._process.pid, signal.SIGKILL)
        self._process.join()
        for line in lines_of(self.pipe, 5.0):
            hear(line)
        os.close(self.pipe)
        return was_alive

    def finish(self) -> list[str]:
        """All lines of a process that ends by itself."""
        lines = list(lines_of(self.pipe, 60.0))
        self._process.join()
        os.close(self.pipe)
        if self._process.exitcode != 0:
            sys.exit(f'kill: reading back failed with exit code {self._process.exitcode}')
        return lines


def cut_last_block(root: Path, chance: random.Random) -> None:
    """Cut up to a block off the end of the journal files and leave torn temporary and derived files."""
    for path in root.glob('.journal/episode-*/*'):
        if path.suffix in ('.mp4', '.arrows', '.parquet'):
            keep = max(0, path.stat().st_size - chance.randint(1, BLOCK_BYTES))
            os.truncate(path, keep)
    for name in ('info.json', 'stats.json'):
        path = root / 'meta' / name
        if path.exists():
            (root / 'meta' / f'{name}.part').write_bytes(path.read_bytes()[:100])
            if any(root.glob('meta/episodes/*/*.parquet')):
                os.truncate(path, path.stat().st_size * chance.randint(0, 9) // 10)


def one_point(root: Path, kind: str, tag: int, ledger: Ledger, chance: random.Random) -> bool:
    """Record and kill once; returns whether the kill hit a living process."""
    victim = Victim(recorder.record, root, tag)
    if kind == 'saving':
        victim.wait_for('finishing', ledger.hear)
        has_hit = victim.hear_until_killed(chance.uniform(0.0, SAVING_S), ledger.hear)
    else:
        victim.wait_for('started', ledger.hear)
        has_hit = victim.hear_until_killed(chance.uniform(0.0, RECORDING_S), ledger.hear)
    if kind == 'torn':
        cut_last_block(root, chance)
    if kind in ('recovery', 'torn'):
        victim = Victim(recorder.recover, root)
        victim.wait_for('opening', lambda _: None)
        has_hit = victim.hear_until_killed(chance.uniform(0.0, RECOVERY_S), lambda _: None)
    return has_hit


def compare(root: Path, kind: str, ledger: Ledger, losses: Losses, dump: Path) -> None:
    """Read everything back and count what differs from the ledger."""
    found = [json.loads(line) for line in Victim(recorder.read_back, root).finish()]
    episodes = {line['tag']: line for line in found if 'tag' in line}
    losses.twice += len([line for line in found if 'tag' in line]) - len(episodes)
    losses.lost += len(ledger.saved - set(episodes))
    for tag, line in episodes.items():
        is_whole = line['rows'] == recorder.ROWS and line['outcome'] == 'success'
        losses.changed += not line['is_true'] or (tag in ledger.saved and not is_whole)
    losses.changed += not found[-1]['totals']
    for tag in set(ledger.rows) - ledger.saved:
        rows = episodes[tag]['rows'] if tag in episodes else 0
        losses.most_rows[kind] = max(losses.most_rows[kind], ledger.rows[tag] - rows)
        if tag in episodes:
            ledger.saved |= {tag} if rows == recorder.ROWS and is_labelled(episodes[tag]) else set()
        del ledger.rows[tag]
    if losses.lost or losses.changed or losses.twice:
        shutil.copytree(root, dump, dirs_exist_ok=True)
        sys.exit(f'kill: point {losses.points} ({kind}): {losses}; the dataset is kept at {dump}')


def is_labelled(line: dict[str, object]) -> bool:
    """Whether the operator's word was kept."""
    return line['outcome'] == 'success'


def main() -> None:
    """Run the points and print the losses."""
    logging.getLogger('vla_mbpo').setLevel(logging.ERROR)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--points', type=int, default=200)
    parser.add_argument('--seed', type=int, default=0)
    options = parser.parse_args()
    chance, losses, started_s = random.Random(options.seed), Losses(), time.monotonic()
    dump = Path(tempfile.gettempdir()) / f'vla_mbpo_kill_{os.getpid()}'
    with tempfile.TemporaryDirectory() as scratch:
        for point in range(options.points):
            if point % POINTS_PER_DATASET == 0:
                shutil.rmtree(Path(scratch) / 'set', ignore_errors=True)
                ledger = Ledger()
            kind = KINDS[point % len(KINDS)]
            root, tag = Path(scratch) / 'set', (point * 4) % 1000
            losses.kills[kind] += one_point(root, kind, tag, ledger, chance)
            losses.points += 1
            compare(root, kind, ledger, losses, dump)
            losses.saved += point % POINTS_PER_DATASET == POINTS_PER_DATASET - 1 and len(
                ledger.saved
            )
    report(losses, time.monotonic() - started_s)


def report(losses: Losses, seconds: float) -> None:
    """Print the result; exits 1 where too much is lost."""
    for kind in KINDS:
        rows = losses.most_rows[kind]
        print(
            f'{kind:<10} {losses.kills[kind]:>4} kills, open episode lost at most {rows} rows '
            f'({rows / recorder.RATE_HZ:.2f} s)'
        )
    print(
        f'{losses.points} points in {seconds:.0f} s: saved episodes lost {losses.lost}, '
        f'changed {losses.changed}, twice {losses.twice}'
    )
    if max(losses.most_rows.values()) > LOSS_LIMIT_S * recorder.RATE_HZ:
        sys.exit(f'kill: an open episode lost more than {LOSS_LIMIT_S:g} s')


if __name__ == '__main__':
    main()
