"""Audit of the rows of one episode: indices, stamps, flags and values."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vla_mbpo.episodes.clock import exact_rate
from vla_mbpo.episodes.clock import ticks_ns
from vla_mbpo.episodes.features import EPISODE_INDEX
from vla_mbpo.episodes.features import FRAME_INDEX
from vla_mbpo.episodes.features import INDEX
from vla_mbpo.episodes.features import TASK_INDEX
from vla_mbpo.episodes.features import TIMESTAMP
from vla_mbpo.episodes.reader import Episode
from vla_mbpo.episodes.record import UNKNOWN_BUDGET
from vla_mbpo.episodes.schema import ACTION
from vla_mbpo.episodes.schema import ACTION_REQUESTED
from vla_mbpo.episodes.schema import FLAGS
from vla_mbpo.episodes.schema import SOURCE
from vla_mbpo.episodes.schema import STATE
from vla_mbpo.episodes.schema import TICK_NS
from vla_mbpo.episodes.schema import DatasetSpec
from vla_mbpo.episodes.schema import Flag
from vla_mbpo.episodes.schema import Source
from vla_mbpo.episodes.schema import capture_key
from vla_mbpo.episodes.schema import skew_key

TIMESTAMP_TOLERANCE_S = 1e-4
"""LeRobot's own tolerance between a row's timestamp and its frame."""
TICK_ROUNDING_NS = 2

Problem = tuple[str, str]
"""Column, and what is wrong with it."""
Mask = NDArray[np.bool_]


def row_problems(episode: Episode, spec: DatasetSpec) -> Iterator[Problem]:
    """What contradicts itself in an episode's columns."""
    rows = len(episode[TICK_NS])
    if rows != len(episode):
        yield 'rows', f'there are {rows}, metadata says {len(episode)}'
        return
    yield from _index_problems(episode, spec)
    yield from _tick_problems(episode, spec)
    for camera in spec.camera_names:
        yield from _stamp_problems(episode, camera)
    yield from _budget_problems(episode, spec)
    yield from _value_problems(episode)


def _index_problems(episode: Episode, spec: DatasetSpec) -> Iterator[Problem]:
    record = episode.record
    frame = np.arange(len(episode))
    expected = {
        FRAME_INDEX: frame,
        EPISODE_INDEX: np.full(len(episode), record.index),
        INDEX: frame + record.first_index,
        TASK_INDEX: np.full(len(episode), record.task_index),
    }
    for column, values in expected.items():
        yield from _differs(column, episode[column], values)
    late = np.abs(episode[TIMESTAMP] - frame / float(exact_rate(spec.fps))) > TIMESTAMP_TOLERANCE_S
    yield from _where(TIMESTAMP, late, 'is not frame_index / fps')


def _tick_problems(episode: Episode, spec: DatasetSpec) -> Iterator[Problem]:
    """A row lies within half a period of where its number says; its clock is the reference frame."""
    tick, rate = episode[TICK_NS], exact_rate(spec.fps)
    yield from _where(TICK_NS, _after_first(np.diff(tick) <= 0), 'does not increase')
    grid = tick[0] + np.array([ticks_ns(k, rate) for k in range(len(tick))], dtype=np.int64)
    is_off = np.abs(tick - grid) > ticks_ns(1, rate) // 2 + TICK_ROUNDING_NS
    yield from _where(TICK_NS, is_off, 'is more than half a period from frame_index / fps')
    reference = capture_key(spec.camera_names[0])
    excused = _has(episode, Flag.TICK_GAP | Flag.ENCODER_STALL)
    is_apart = (episode[reference] != tick) & ~excused
    yield from _where(reference, is_apart, 'differs from the tick in a row without TICK_GAP')


def _stamp_problems(episode: Episode, camera: str) -> Iterator[Problem]:
    capture = episode[capture_key(camera)]
    step = np.diff(capture)
    yield from _where(capture_key(camera), _after_first(step < 0), 'runs backwards')
    is_hidden = _after_first(step == 0) & ~_has(episode, Flag.REPEATED_FRAME)
    yield from _where(capture_key(camera), is_hidden, 'repeats in a row without REPEATED_FRAME')
    yield from _differs(skew_key(camera), episode[skew_key(camera)], capture - episode[TICK_NS])


def _budget_problems(episode: Episode, spec: DatasetSpec) -> Iterator[Problem]:
    budget_ns = episode.record.skew_budget_ns
    if budget_ns == UNKNOWN_BUDGET:
        return
    skews = np.stack([episode[skew_key(camera)] for camera in spec.camera_names])
    is_over = (np.abs(skews) > budget_ns).any(axis=0) & ~_has(episode, Flag.ENCODER_STALL)
    is_flagged = _has(episode, Flag.SKEW_OVER_BUDGET)
    yield from _where(FLAGS, is_over & ~is_flagged, 'lacks SKEW_OVER_BUDGET')
    is_wrong = is_flagged & ~is_over & ~_has(episode, Flag.ENCODER_STALL)
    yield from _where(FLAGS, is_wrong, 'has SKEW_OVER_BUDGET without reason')


def _value_problems(episode: Episode) -> Iterator[Problem]:
    for column in (STATE, ACTION, ACTION_REQUESTED):
        yield from _where(column, ~np.isfinite(episode[column]).all(axis=1), 'is not finite')
    is_unknown = ~np.isin(episode[SOURCE], [int(source) for source in Source])
    yield from _where(SOURCE, is_unknown, f'is none of {", ".join(s.name for s in Source)}')
    known = int(~Flag.NONE)
    yield from _where(FLAGS, (episode[FLAGS] & ~known) != 0, 'has an unknown bit')
    flagged = int(np.count_nonzero(episode[FLAGS]))
    if flagged != episode.record.quality.flagged_rows:
        told = episode.record.quality.flagged_rows
        yield FLAGS, f'is set in {flagged} rows, metadata says {told}'


def _has(episode: Episode, flag: Flag) -> Mask:
    mask: Mask = (episode[FLAGS] & int(flag)) != 0
    return mask


def _after_first(of_steps: Mask) -> Mask:
    """A mask over rows from one over the steps between them."""
    return np.concatenate([[False], of_steps])


def _differs(column: str, values: NDArray[Any], expected: NDArray[Any]) -> Iterator[Problem]:
    rows = np.flatnonzero(values != expected)
    if rows.size:
        k = rows[0]
        got = f'{values[k]}, expected {expected[k]}'
        yield column, f'is wrong in {rows.size} rows; first in row {k}: {got}'


def _where(column: str, mask: Mask, what: str) -> Iterator[Problem]:
    rows = np.flatnonzero(mask)
    if rows.size:
        yield column, f'{what}: {rows.size} rows, the first is {rows[0]}'
