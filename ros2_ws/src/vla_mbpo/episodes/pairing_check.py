"""Pairing of every camera of a dataset with its joints, and what is wrong with it."""

from collections.abc import Iterator
from collections.abc import Sequence

import numpy as np

from vla_mbpo.episodes.features import to_numpy
from vla_mbpo.episodes.finding import Finding
from vla_mbpo.episodes.finding import Progress
from vla_mbpo.episodes.finding import no_progress
from vla_mbpo.episodes.foreign import AnyDataset
from vla_mbpo.episodes.foreign import AnyEpisode
from vla_mbpo.episodes.pairing import THUMBNAIL
from vla_mbpo.episodes.pairing import MotionPair
from vla_mbpo.episodes.pairing import Pairing
from vla_mbpo.episodes.pairing import Piece
from vla_mbpo.episodes.pairing import estimate
from vla_mbpo.episodes.pairing import motion_pair
from vla_mbpo.episodes.schema import ACTION
from vla_mbpo.episodes.schema import STATE
from vla_mbpo.errors import DatasetError

MIN_REPORTED_ROWS = 2
"""Offset of a whole set, in rows, that is worth a finding."""


def pairings(dataset: AnyDataset, progress: Progress = no_progress) -> list[Pairing]:
    """Offset of each camera against the joints, from the motion in the pictures.

    Episodes whose files cannot be read are left out; `check` reports them. A camera is left out in which
    nothing moves, and all are if the set has neither `observation.state` nor `action`.
    """
    joints = next((key for key in (STATE, ACTION) if key in dataset.features), None)
    if joints is None:
        return []
    found = []
    keys = dataset.picture_keys
    for n, key in enumerate(keys):
        pairs: list[MotionPair] = []
        for k, episode in enumerate(dataset.episodes):
            pair = _pair(dataset, episode, key, joints)
            pairs += [pair] if pair is not None else []
            progress(f'motion in {key}', n * len(dataset.episodes) + k + 1, _steps(dataset))
        pairing = estimate(key, pairs, dataset.fps)
        found += [pairing] if pairing is not None else []
    return found


def _steps(dataset: AnyDataset) -> int:
    return len(dataset.picture_keys) * len(dataset.episodes)


def _pair(dataset: AnyDataset, episode: AnyEpisode, key: str, joints: str) -> MotionPair | None:
    try:
        table = dataset.table(episode)
        if joints not in table.column_names:
            return None
        state = to_numpy(table, joints).astype(np.float64).reshape(len(table), -1)
        pictures = dataset.thumbnails(episode, key, *THUMBNAIL)
        return motion_pair(episode.index, state, pictures, dataset.fps)
    except DatasetError:
        return None


def pairing_findings(pairings: Sequence[Pairing], fps: float) -> Iterator[Finding]:
    """What is beyond doubt wrong: a whole camera that is off, or stretches of an episode that are."""
    for pairing in pairings:
        if pairing.is_certain and abs(pairing.offset_rows) >= MIN_REPORTED_ROWS:
            yield Finding(
                severity='warning',
                episode=None,
                where=pairing.feature,
                message=f'pictures are {_offset(pairing.offset_rows, pairing.offset_s)} in the whole set',
            )
        # A camera in which joints explain little of the motion, as a wrist camera's view of a moved cup, is no witness.
        for piece in pairing.pieces if pairing.is_certain else ():
            yield Finding(
                severity='warning',
                episode=piece.episode,
                where=pairing.feature,
                message=_piece_message(piece, fps),
            )


def _piece_message(piece: Piece, fps: float) -> str:
    offset = _offset(piece.offset_rows, piece.offset_rows / fps)
    return f'pictures are {offset} from row {piece.first_row} to {piece.end_row - 1}'


def _offset(rows: int, seconds: float) -> str:
    side = 'ahead of' if rows > 0 else 'behind'
    return f'{abs(rows)} rows ({abs(seconds) * 1e3:.0f} ms) {side} the joints'
