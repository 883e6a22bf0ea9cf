"""An episode as a rerun recording (`.rrd`): the stored videos, curves, flags and what is known about it."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vla_mbpo.episodes.clock import NS_PER_S
from vla_mbpo.episodes.clock import exact_rate
from vla_mbpo.episodes.clock import ticks_ns
from vla_mbpo.episodes.quality import NS_PER_MS
from vla_mbpo.episodes.reader import DatasetReader
from vla_mbpo.episodes.reader import Episode
from vla_mbpo.episodes.schema import ACTION
from vla_mbpo.episodes.schema import ACTION_REQUESTED
from vla_mbpo.episodes.schema import FLAGS
from vla_mbpo.episodes.schema import SOURCE
from vla_mbpo.episodes.schema import STATE
from vla_mbpo.episodes.schema import SUCCESS
from vla_mbpo.episodes.schema import image_key
from vla_mbpo.episodes.schema import skew_key
from vla_mbpo.errors import DatasetError
from vla_mbpo.errors import MissingDependencyError

APPLICATION = 'vla_mbpo'
ROW, TIME = 'row', 'time'
"""Time lines of the recording: row number, and seconds since the first row."""


def rerun_sdk() -> ModuleType:
    """The module of rerun-sdk.

    Raises:
        MissingDependencyError: it is not installed.
    """
    try:
        return import_module('rerun')
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            'rerun-sdk',
            needed_for='writing .rrd files',
            remedy="Run: pip install 'vla_mbpo[viz]', or write an HTML page with --out page.html",
        ) from error


def write_rrd(reader: DatasetReader, index: int, path: Path) -> None:
    """Write the recording of an episode; videos go in as they are stored, without encoding again.

    Raises:
        MissingDependencyError: rerun-sdk is not installed.
        DatasetError: the episode cannot be read, or the file cannot be written.
    """
    rr = rerun_sdk()
    episode = reader.episode(index)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        stream = rr.RecordingStream(APPLICATION, recording_id=episode.record.recording_id)
        stream.save(path)
        _log_facts(rr, stream, reader, episode)
        times = _times(rr, episode, reader.spec.fps)
        for name, values in _curves(reader, episode).items():
            rr.send_columns(name, times, rr.Scalars.columns(scalars=values), recording=stream)
        for camera in reader.spec.camera_names:
            _log_video(
                rr,
                stream,
                f'cameras/{camera}',
                reader.folder.video(image_key(camera), index),
                times,
            )
        stream.flush()
        stream.disconnect()
    except OSError as error:
        problem = f'recording {path} cannot be written: {error}'
        raise DatasetError(reader.folder.root, problem) from error


def _times(rr: ModuleType, episode: Episode, fps: float) -> list[Any]:
    rows = np.arange(len(episode))
    rate = exact_rate(fps)
    seconds = np.array([ticks_ns(int(k), rate) for k in rows]) / NS_PER_S
    return [rr.TimeColumn(ROW, sequence=rows), rr.TimeColumn(TIME, duration=seconds)]


def _curves(reader: DatasetReader, episode: Episode) -> Mapping[str, NDArray[Any]]:
    """Values [N] by entity path."""
    spec = reader.spec
    found: dict[str, NDArray[Any]] = {}
    for kind, key, names in (
        ('state', STATE, spec.state_names),
        ('action', ACTION, spec.action_names),
        ('requested', ACTION_REQUESTED, spec.action_names),
    ):
        found |= {f'{name}/{kind}': episode[key][:, i] for i, name in enumerate(names)}
    found |= {f'skew_ms/{c}': episode[skew_key(c)] / NS_PER_MS for c in spec.camera_names}
    found |= {key: episode[key].astype(np.float64) for key in (SUCCESS, FLAGS, SOURCE)}
    return found


def _log_facts(rr: ModuleType, stream: Any, reader: DatasetReader, episode: Episode) -> None:  # noqa: ANN401  rerun carries no types here
    facts = {'robot': reader.spec.robot, **asdict(episode.record.summary(reader.spec.fps))}
    text = json.dumps({**facts, **asdict(episode.info)}, indent=2)
    rr.log('episode', rr.TextDocument(text), static=True, recording=stream)


def _log_video(rr: ModuleType, stream: Any, name: str, video: Path, times: list[Any]) -> None:  # noqa: ANN401  as above
    asset = rr.AssetVideo(path=video)
    rr.log(name, asset, static=True, recording=stream)
    stamps_ns = asset.read_frame_timestamps_nanos()[: len(times[0].times)]
    rr.send_columns(name, times, rr.VideoFrameReference.columns_nanos(stamps_ns), recording=stream)
