"""An episode as one HTML page: views and curves that run together, with a scrubber; needs no server and no network."""

import base64
import json
import os.path
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vla_mbpo.episodes.quality import NS_PER_MS
from vla_mbpo.episodes.reader import DatasetReader
from vla_mbpo.episodes.reader import Episode
from vla_mbpo.episodes.record import UNKNOWN_BUDGET
from vla_mbpo.episodes.schema import ACTION
from vla_mbpo.episodes.schema import ACTION_REQUESTED
from vla_mbpo.episodes.schema import FLAGS
from vla_mbpo.episodes.schema import SOURCE
from vla_mbpo.episodes.schema import STATE
from vla_mbpo.episodes.schema import SUCCESS
from vla_mbpo.episodes.schema import Flag
from vla_mbpo.episodes.schema import Source
from vla_mbpo.episodes.schema import image_key
from vla_mbpo.episodes.schema import skew_key
from vla_mbpo.errors import DatasetError

TEMPLATE = 'viz_page.html'
PLACE = '@DATA@'
DIGITS = 6
SOURCE_NAMES = {int(source): source.name.lower() for source in Source}


def write_page(
    reader: DatasetReader, index: int, path: Path, *, assets: Path | None = None
) -> None:
    """Write the page of an episode.

    Args:
        reader: The dataset.
        index: The episode.
        path: The HTML file.
        assets: Folder for copies of the videos, which the page refers to by relative path; None puts them into the
            page itself.

    Raises:
        DatasetError: the episode cannot be read, or a file cannot be written.
    """
    episode = reader.episode(index)
    sources = {c: reader.folder.video(image_key(c), index) for c in reader.spec.camera_names}
    for video in sources.values():
        if not video.exists():
            where = video.relative_to(reader.folder.root)
            raise DatasetError(reader.folder.root, f'{where} is missing')
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if assets is None:
            videos = {camera: _embedded(video) for camera, video in sources.items()}
        else:
            videos = {c: _copied(video, assets, c, index, path) for c, video in sources.items()}
        path.write_text(page(reader, episode, videos), encoding='utf-8')
    except OSError as error:
        problem = f'page {path} cannot be written: {error.strerror}'
        raise DatasetError(reader.folder.root, problem) from error


def page(reader: DatasetReader, episode: Episode, videos: Mapping[str, str]) -> str:
    """Text of the page; `videos` are addresses by camera."""
    template = files('vla_mbpo.episodes').joinpath(TEMPLATE).read_text(encoding='utf-8')
    text = json.dumps(page_data(reader, episode, videos), allow_nan=False)
    # A note with '</script>' in it must not end the element that holds the data.
    return template.replace(PLACE, text.replace('<', '\\u003c'))


def page_data(reader: DatasetReader, episode: Episode, videos: Mapping[str, str]) -> dict[str, Any]:
    """What the page shows, as JSON values."""
    spec, record = reader.spec, episode.record
    summary = record.summary(spec.fps)
    budget = record.skew_budget_ns
    return {
        'title': f'{summary.task} / episode {summary.index}',
        'badges': [
            {'text': summary.outcome, 'kind': summary.outcome},
            {'text': f'recording {summary.verdict}', 'kind': summary.verdict},
        ],
        'facts': [
            summary.instruction,
            spec.robot,
            f'{summary.split} {summary.condition}'.rstrip(),
            f'{summary.frames} rows in {summary.duration_s:.1f} s',
            f'{summary.flagged_rows} flagged',
            *summary.reasons,
        ],
        'rows': len(episode),
        'fps': spec.fps,
        'budget_ms': None if budget == UNKNOWN_BUDGET else budget / NS_PER_MS,
        'cameras': [
            {
                'name': camera,
                'video': videos[camera],
                'skew_ms': _numbers(episode[skew_key(camera)] / NS_PER_MS),
            }
            for camera in spec.camera_names
        ],
        'dims': _dims(reader, episode),
        'success': episode[SUCCESS].astype(int).tolist(),
        'flags': episode[FLAGS].tolist(),
        'flag_names': [[int(flag), flag.name] for flag in Flag if flag],
        'sources': [SOURCE_NAMES.get(value, str(value)) for value in episode[SOURCE].tolist()],
        'episode': _table({**asdict(record.info), **asdict(record.result)}),
        'recording': _table({**asdict(record.quality), **json.loads(record.sync_report)}),
    }


def _dims(reader: DatasetReader, episode: Episode) -> list[dict[str, Any]]:
    """Curves by dim; a state and an action dim of one name and unit share a plot."""
    spec = reader.spec
    dims: dict[tuple[str, str], dict[str, Any]] = {}
    for kind, key, names, units in (
        ('state', STATE, spec.state_names, spec.state_units),
        ('action', ACTION, spec.action_names, spec.action_units),
        ('requested', ACTION_REQUESTED, spec.action_names, spec.action_units),
    ):
        for i, (name, unit) in enumerate(zip(names, units, strict=True)):
            dim = dims.setdefault((name, unit), {'name': name, 'unit': unit})
            dim[kind] = _numbers(episode[key][:, i])
    return list(dims.values())


def _numbers(values: NDArray[Any]) -> list[float]:
    return [float(f'{value:.{DIGITS}g}') for value in np.asarray(values, dtype=np.float64)]


def _table(values: Mapping[str, Any]) -> list[list[str]]:
    return [[key.replace('_', ' '), _cell(value)] for key, value in values.items() if value != '']


def _cell(value: Any) -> str:  # noqa: ANN401  anything that JSON holds
    if isinstance(value, dict):
        return ', '.join(f'{key} {_cell(item)}' for key, item in value.items()) or '-'
    if isinstance(value, float):
        return f'{value:.4g}'
    return str(value)


def _embedded(video: Path) -> str:
    return 'data:video/mp4;base64,' + base64.b64encode(video.read_bytes()).decode('ascii')


def _copied(video: Path, assets: Path, camera: str, index: int, page: Path) -> str:
    """Copy a video below `assets`; returns its address from the page."""
    assets.mkdir(parents=True, exist_ok=True)
    target = assets / f'episode-{index:06d}-{camera}.mp4'
    shutil.copyfile(video, target)
    return Path(os.path.relpath(target.resolve(), page.resolve().parent)).as_posix()
