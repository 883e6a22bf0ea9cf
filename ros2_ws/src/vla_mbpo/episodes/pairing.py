"""Offset between a camera and the joints, from the recording itself: joint speed against motion in the picture.

When the arm moves, the picture changes, in the same rhythm. For each offset the change from picture to picture
is explained by a non-negative mix of the joints' speeds; the offset that explains it best is the true one. It needs
no stamps, so it finds a shift in any dataset, whoever wrote it. Slow changes are taken out of both signals first:
they would agree at every offset.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vla_mbpo.episodes.schema import Image

Signal = NDArray[np.float64]

THUMBNAIL = (64, 48)
"""Width and height at which motion is looked for."""
MAX_OFFSET_S = 0.8
TREND_S = 1.0
"""Changes slower than this are taken out."""
MIN_ROWS = 24
MIN_EXPLAINED = 0.5
"""Share of the picture's motion that the joints must explain."""
MIN_EVIDENCE = 12.0
"""Log-likelihood by which an offset must be better than any other, further than one row away."""
MIN_PIECE_EVIDENCE = 18.0
"""Log-likelihood by which a piece with another offset must be better than one offset for all rows."""
MIN_TAIL_EVIDENCE = 12.5
"""As above, for a piece that lasts to the end of the episode, as it does when an encoder loses frames."""
MIN_EPISODE_EVIDENCE = 15.0
"""Log-likelihood by which another offset for a whole episode must be better than that of the set."""
MIN_PIECE_MARGIN = 5.0
"""Log-likelihood by which its offset must be better than any other for it, further than one row away."""
MIN_PIECE_EXPLAINED = 0.65
"""Share of the picture's motion that is explained with the piece; below, the camera tells too little."""
MIN_DIFFERENCE = 2
"""Rows by which the offset of a piece must differ from that of the set."""
MIN_PIECE_S = 1.0
"""Duration that a piece of another offset must have."""
EDGE_ROWS = 8
"""A piece that begins or ends so close to the end of an episode is taken to reach it."""
STILL = 1e-4
"""Standard deviation of a joint's speed, in its unit per row, below which it rests."""
BLOCKS = 12
"""Parts of an episode, at whose borders a change of the offset is tried before it is located to the row."""
INDEPENDENT = 0.6
"""Independent rows per row, after smoothing."""
RIDGE = 1e-2
SWEEPS = 40


@dataclass(frozen=True, kw_only=True, eq=False)
class MotionPair:
    """Motion of one episode between row k and k + 1, as a camera and as the joints saw it."""

    episode: int
    picture: Signal
    """[N - 1], highpassed."""
    joints: Signal
    """[N - 1, S], highpassed."""
    is_repeat: NDArray[np.bool_]
    """[N - 1]: the picture is exactly the one before."""


@dataclass(frozen=True, kw_only=True)
class Piece:
    """Rows of an episode that have one offset."""

    episode: int
    first_row: int
    end_row: int
    offset_rows: int
    """Positive: the pictures are ahead, row k shows what happened at row k + offset."""
    evidence: float
    """Log-likelihood by which this offset is better than any single one for the whole episode."""


@dataclass(frozen=True, kw_only=True)
class Pairing:
    """What is known about one camera against the joints."""

    feature: str
    offset_rows: int
    """Of the whole set; positive: the pictures are ahead of the joints."""
    offset_s: float
    """The same between the rows, by a parabola through the best offset and its neighbours."""
    explained: float
    """Share of the motion in the pictures that the joints explain at that offset."""
    evidence: float
    """Log-likelihood by which it is better than any other."""
    pieces: tuple[Piece, ...]
    """Stretches with another offset, beyond doubt."""

    @property
    def is_certain(self) -> bool:
        """Whether the offset of the set can be relied on."""
        return self.evidence >= MIN_EVIDENCE and self.explained >= MIN_EXPLAINED


def motion_pair(
    episode: int, state: Signal, thumbnails: Iterable[Image], fps: float
) -> MotionPair | None:
    """Motion signals of an episode; None if it is too short or nothing moves.

    Args:
        episode: its index.
        state: [N, S] joint positions.
        thumbnails: brightness of each row's picture, uint8 [h, w].
        fps: rows per second.
    """
    motion = picture_motion(thumbnails)
    rows = min(len(motion), len(state) - 1)
    if rows + 1 < MIN_ROWS:
        return None
    speed = np.abs(np.diff(state[: rows + 1].astype(np.float64), axis=0))
    speed = speed[:, speed.std(axis=0) > STILL]
    motion = motion[:rows]
    if not speed.shape[1] or not motion.std() > 0 or not np.isfinite(speed).all():
        return None
    window = 2 * round(TREND_S * fps / 2) + 1
    return MotionPair(
        episode=episode,
        picture=highpass(smoothed(np.sqrt(motion)[:, None]), window)[:, 0],
        joints=highpass(smoothed(speed), window),
        is_repeat=motion == 0.0,
    )


def picture_motion(thumbnails: Iterable[Image]) -> Signal:
    """Mean change of brightness from picture to picture, [N - 1]; changes of the light do not count."""
    motion = []
    before: Signal | None = None
    for image in thumbnails:
        now = image.astype(np.float64)
        if before is not None:
            change = now - before
            motion.append(np.abs(change - np.median(change)).mean())
        before = now
    return np.array(motion)


def smoothed(values: Signal) -> Signal:
    """`values` [N, D] with weights 1 2 1: without what alternates, as the key frames of a video do."""
    padded = np.pad(values, [(1, 1), (0, 0)], mode='edge')
    return (padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4


def highpass(values: Signal, window: int) -> Signal:
    """`values` [N, D] less their moving mean over `window` rows (odd)."""
    half = window // 2
    padded = np.pad(values, [(half, half), (0, 0)], mode='edge')
    sums = np.cumsum(np.pad(padded, [(1, 0), (0, 0)]), axis=0)
    return values - (sums[window:] - sums[:-window]) / window


def estimate(feature: str, pairs: list[MotionPair], fps: float) -> Pairing | None:
    """Offset of one camera over a set, and the stretches that have another; None without any motion."""
    if not pairs:
        return None
    reach = max(4, round(MAX_OFFSET_S * fps))
    min_rows = round(MIN_PIECE_S * fps)
    moments = [_Moments(pair, reach, min_rows) for pair in pairs]
    profiles = np.stack([part.profile() for part in moments])
    total = profiles.sum(axis=0)
    best = int(np.argmax(total))
    evidence = _margin(total, best)
    # Without a clear offset of the set, a change in mid-episode is looked for from "none".
    base = best if evidence >= MIN_EVIDENCE else reach
    pieces = [part.piece(base, profile) for part, profile in zip(moments, profiles, strict=True)]
    return Pairing(
        feature=feature,
        offset_rows=best - reach,
        offset_s=(best - reach + _between(total, best)) / fps,
        explained=float(np.mean([1.0 - part.rest(best) for part in moments])),
        evidence=evidence,
        pieces=tuple(piece for piece in pieces if piece is not None),
    )


def _margin(likelihood: Signal, best: int) -> float:
    """By how much `best` is better than any other offset further than one row away."""
    rivals = np.abs(np.arange(len(likelihood)) - best) > 1
    return float(likelihood[best] - likelihood[rivals].max())


def _between(total: Signal, best: int) -> float:
    """Where between the rows the maximum lies, -0.5 to 0.5."""
    if not 0 < best < len(total) - 1:
        return 0.0
    left, middle, right = total[best - 1 : best + 2]
    bend = left - 2 * middle + right
    return float(np.clip(0.5 * (left - right) / bend, -0.5, 0.5)) if bend < 0 else 0.0


class _Moments:
    """Second moments of an episode's signals, by offset and by block of rows.

    Offset number o stands for o - reach rows. Beyond the ends of the episode the joints are taken to
    explain nothing, so that all offsets are judged by the same rows.
    """

    def __init__(self, pair: MotionPair, reach: int, min_rows: int) -> None:
        self._pair = pair
        self._reach = reach
        self._min_rows = min_rows
        self._picture = np.where(pair.is_repeat, 0.0, pair.picture)
        count, width = pair.joints.shape
        margin = np.zeros((reach, width))
        padded = np.concatenate([margin, pair.joints, margin])
        padded /= np.maximum(pair.joints.std(axis=0), np.finfo(float).tiny)
        shifted = [padded[o : o + count] for o in range(2 * reach + 1)]
        self._joints = np.stack(shifted) * ~pair.is_repeat[:, None]
        self._edges = np.linspace(0, count, min(BLOCKS, count // 4) + 1).round().astype(int)
        blocks = list(zip(self._edges[:-1], self._edges[1:], strict=True))
        parts = [(self._joints[:, a:b], self._picture[a:b]) for a, b in blocks]
        self._gram = np.stack([x.transpose(0, 2, 1) @ x for x, _ in parts], axis=1)
        self._mixed = np.stack([x.transpose(0, 2, 1) @ y for x, y in parts], axis=1)
        self._power = float(self._picture @ self._picture)
        self._count = INDEPENDENT * count

    def rest(self, offset: int) -> float:
        """Share of the picture's motion that is not explained at one offset for all rows."""
        return float(self._rests(self._gram.sum(axis=1), self._mixed.sum(axis=1))[1][offset])

    def profile(self) -> Signal:
        """Log-likelihood of each offset, one for all rows."""
        return self._likelihood(self._rests(self._gram.sum(axis=1), self._mixed.sum(axis=1))[1])

    def piece(self, base: int, profile: Signal) -> Piece | None:
        """The stretch that has another offset than number `base`, if that is beyond doubt."""
        gram = np.cumsum(np.pad(self._gram, [(0, 0), (1, 0), (0, 0), (0, 0)]), axis=1)
        mixed = np.cumsum(np.pad(self._mixed, [(0, 0), (1, 0), (0, 0)]), axis=1)
        first, end = np.triu_indices(len(self._edges), k=1)
        inner, inner_mixed = gram[:, end] - gram[:, first], mixed[:, end] - mixed[:, first]
        weights, rests = self._rests(
            gram[base, -1] + inner - inner[base], mixed[base, -1] + inner_mixed - inner_mixed[base]
        )
        whole = int(np.argmax(profile))
        is_tail = end == len(self._edges) - 1
        for places, least in ((~is_tail, MIN_PIECE_EVIDENCE), (is_tail, MIN_TAIL_EVIDENCE)):
            allowed = np.where(places, rests, np.inf)
            offset, place = (int(i) for i in np.unravel_index(np.argmin(allowed), rests.shape))
            likelihood = self._likelihood(allowed)
            gain = float(likelihood[offset, place] - profile[whole])
            if gain >= least:
                margin = _margin(likelihood.max(axis=1), offset)
                rows = self._located(base, offset, weights[offset, place])
                return self._certain_piece(base, offset, rows, gain, margin, rests[offset, place])
        rows = (0, len(self._picture) + 1)
        gain, margin = float(profile[whole] - profile[base]), _margin(profile, whole)
        if gain < MIN_EPISODE_EVIDENCE:
            return None
        return self._certain_piece(base, whole, rows, gain, margin, self.rest(whole))

    def _certain_piece(
        self,
        base: int,
        offset: int,
        rows: tuple[int, int],
        evidence: float,
        margin: float,
        rest: float,
    ) -> Piece | None:
        is_certain = (
            abs(offset - base) >= MIN_DIFFERENCE
            and rows[1] - rows[0] >= self._min_rows
            and margin >= MIN_PIECE_MARGIN
            and 1.0 - rest >= MIN_PIECE_EXPLAINED
        )
        if not is_certain:
            return None
        return Piece(
            episode=self._pair.episode,
            first_row=rows[0],
            end_row=rows[1],
            offset_rows=offset - self._reach,
            evidence=evidence,
        )

    def _located(self, base: int, offset: int, weights: Signal) -> tuple[int, int]:
        """First and end row of the stretch in which `offset` explains most more than `base`."""
        errors = [(self._picture - self._joints[o] @ weights) ** 2 for o in (base, offset)]
        gain = np.concatenate([[0.0], np.cumsum(errors[0] - errors[1])])
        lowest = np.minimum.accumulate(gain)
        end = int(np.argmax(gain - lowest))
        first = int(np.flatnonzero(gain[: end + 1] == lowest[end])[-1])
        # Motion k lies between rows k and k + 1: a changed motion is seen first in row k + 1.
        is_from_start, is_to_end = first < EDGE_ROWS, end > len(self._picture) - EDGE_ROWS
        return (0 if is_from_start else first + 1), (len(self._picture) if is_to_end else end) + 1

    def _rests(self, gram: Signal, mixed: Signal) -> tuple[Signal, Signal]:
        """Non-negative weights [..., S] of the joints and the share of the motion they leave [...]."""
        weights = _non_negative(gram, mixed)
        explained = 2 * (weights * mixed).sum(axis=-1)
        explained -= np.einsum('...i,...ij,...j->...', weights, gram, weights)
        return weights, 1.0 - explained / self._power

    def _likelihood(self, rests: Signal) -> Signal:
        return np.asarray(-0.5 * self._count * np.log(np.maximum(rests, 1e-6)))


def _non_negative(gram: Signal, mixed: Signal) -> Signal:
    """Weights >= 0 that solve gram w = mixed best, for a stack of problems, by coordinate descent."""
    width = mixed.shape[-1]
    # Joints first, problems last: each step then runs along contiguous memory.
    rows = np.ascontiguousarray(gram.reshape(-1, width, width).transpose(1, 2, 0))
    goal = np.ascontiguousarray(mixed.reshape(-1, width).T)
    curvature = np.einsum('iic->ic', rows) * (1.0 + RIDGE) + np.finfo(float).tiny
    weights = np.zeros_like(goal)
    for _ in range(SWEEPS):
        for i in range(width):
            rest = goal[i] - np.einsum('jc,jc->c', rows[i], weights)
            rest += (curvature[i] - RIDGE * rows[i, i]) * weights[i]
            weights[i] = np.maximum(0.0, rest / curvature[i])
    return weights.T.reshape(mixed.shape)
