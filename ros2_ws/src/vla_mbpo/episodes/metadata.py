"""`info.json`: what it says of a dataset, and whether a recorder fits it."""

import logging
import re
from typing import Any

from vla_mbpo.episodes.files import read_json
from vla_mbpo.episodes.folder import DatasetFolder
from vla_mbpo.episodes.record import read_spec
from vla_mbpo.episodes.schema import ACTION
from vla_mbpo.episodes.schema import CODEBASE_VERSION
from vla_mbpo.episodes.schema import IMAGE_PREFIX
from vla_mbpo.episodes.schema import READABLE_SCHEMAS
from vla_mbpo.episodes.schema import SCHEMA_VERSION
from vla_mbpo.episodes.schema import STATE
from vla_mbpo.episodes.schema import CameraFormat
from vla_mbpo.episodes.schema import DatasetSpec
from vla_mbpo.episodes.totals import SCHEMA_KEY
from vla_mbpo.errors import DatasetError

logger = logging.getLogger(__name__)

CAMERA_NAME = re.compile(r'[A-Za-z0-9][A-Za-z0-9_-]{0,63}')
"""Camera names become names of files and topics."""


def read_info(folder: DatasetFolder) -> dict[str, Any]:
    """Content of info.json, of the versions that this software reads.

    Raises:
        DatasetError: the folder or the file is missing or unreadable, or of another version.
    """
    if not folder.root.is_dir():
        raise DatasetError(folder.root, 'there is no such folder')
    info = read_json(folder.root, folder.info)
    readable = (('codebase_version', (CODEBASE_VERSION,)), (SCHEMA_KEY, READABLE_SCHEMAS))
    for key, versions in readable:
        if info.get(key) not in versions:
            expected = ' or '.join(map(repr, versions))
            problem = f'meta/info.json has {key} {info.get(key)!r}, expected {expected}'
            raise DatasetError(folder.root, problem)
    return info


def spec_of(folder: DatasetFolder, info: dict[str, Any]) -> DatasetSpec:
    """The spec that an info.json states.

    Raises:
        DatasetError: an entry is missing or malformed.
    """
    try:
        features = info['features']
        return DatasetSpec(
            robot=info['robot_type'],
            fps=float(info['fps']),
            state_names=tuple(features[STATE]['names']),
            state_units=tuple(features[STATE]['units']),
            action_names=tuple(features[ACTION]['names']),
            action_units=tuple(features[ACTION]['units']),
            cameras=tuple(
                CameraFormat(
                    name=key.removeprefix(IMAGE_PREFIX),
                    height=feature['shape'][0],
                    width=feature['shape'][1],
                )
                for key, feature in features.items()
                if key.startswith(IMAGE_PREFIX)
            ),
        )
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise DatasetError(folder.root, f'meta/info.json lacks or garbles {error}') from error


def check_spec(folder: DatasetFolder, spec: DatasetSpec) -> None:
    """Refuse what cannot be recorded.

    Raises:
        DatasetError: no camera, a name that cannot be a file's, or a picture size that h264 cannot hold.
    """
    if not spec.cameras:
        raise DatasetError(folder.root, 'needs at least one camera: the first one is the clock')
    for camera in spec.cameras:
        if not CAMERA_NAME.fullmatch(camera.name):
            problem = f'camera name {camera.name!r} cannot be a file name'
            expected = 'expected at most 64 letters, digits, "_" and "-"'
            raise DatasetError(folder.root, f'{problem}; {expected}')
        if camera.width % 2 or camera.height % 2:
            size = f'{camera.width}x{camera.height}'
            problem = f'{camera.name} is {size}; h264 needs an even width and height'
            raise DatasetError(folder.root, problem)


def check_folder(folder: DatasetFolder, spec: DatasetSpec) -> None:
    """Refuse a folder that is something else or belongs to another kind of recording.

    Where info.json is missing or torn, the episodes' own metadata say what the dataset is.

    Raises:
        DatasetError: names the difference, or what the folder holds; nothing was changed.
    """
    if folder.root.exists() and not folder.root.is_dir():
        raise DatasetError(folder.root, 'is a file, expected a folder')
    committed = folder.committed()
    if folder.info.exists() and not (_is_torn(folder) and committed):
        info = read_info(folder)
        if info[SCHEMA_KEY] != SCHEMA_VERSION:
            has, writes = info[SCHEMA_KEY], SCHEMA_VERSION
            problem = f'was recorded with schema {has}, this software adds schema {writes}'
            raise DatasetError(folder.root, f'{problem}. Use another folder')
        check_compatible(folder, spec_of(folder, info), spec)
    elif committed and (existing := read_spec(folder, committed[-1])):
        logger.warning('dataset %s: info.json is lost and is made again', folder.root)
        check_compatible(folder, existing, spec)
    else:
        _check_empty(folder)


def _is_torn(folder: DatasetFolder) -> bool:
    try:
        read_json(folder.root, folder.info)
    except DatasetError:
        return True
    return False


def _check_empty(folder: DatasetFolder) -> None:
    names = sorted(p.name for p in folder.root.iterdir()) if folder.root.exists() else []
    foreign = [name for name in names if name != folder.journal.name]
    if foreign:
        shown = ', '.join(foreign[:5])
        problem = f'holds no meta/info.json but: {shown}. Give an empty or a new folder'
        raise DatasetError(folder.root, problem)


def check_compatible(folder: DatasetFolder, existing: DatasetSpec, wanted: DatasetSpec) -> None:
    """Refuse to add episodes of another kind.

    Raises:
        DatasetError: names the first difference, with both values.
    """
    pairs = (
        ('robot', existing.robot, wanted.robot),
        ('rate', f'{existing.fps:g} Hz', f'{wanted.fps:g} Hz'),
        ('cameras', _cameras(existing), _cameras(wanted)),
        ('state', _state(existing), _state(wanted)),
        ('action', _action(existing), _action(wanted)),
    )
    for what, has, wants in pairs:
        if has != wants:
            problem = f'its {what}: {has}; this recorder has {what}: {wants}. Use another folder'
            raise DatasetError(folder.root, problem)


def _cameras(spec: DatasetSpec) -> str:
    return ', '.join(f'{camera.name} {camera.width}x{camera.height}' for camera in spec.cameras)


def _state(spec: DatasetSpec) -> str:
    return _layout(spec.state_names, spec.state_units)


def _action(spec: DatasetSpec) -> str:
    return _layout(spec.action_names, spec.action_units)


def _layout(names: tuple[str, ...], units: tuple[str, ...]) -> str:
    return ', '.join(f'{name} [{unit}]' for name, unit in zip(names, units, strict=True))
