"""What a session reads from the dataset folder and from the calibration files; it writes nothing."""

import shutil
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

from vla_mbpo.config import read_yaml
from vla_mbpo.episodes.folder import DatasetFolder
from vla_mbpo.episodes.reader import DatasetReader
from vla_mbpo.episodes.schema import image_key
from vla_mbpo.errors import VlaMbpoError
from vla_mbpo.paths import share_path
from vla_mbpo.robots import RobotDescription
from vla_mbpo_robot.operator.preflight import Calibration
from vla_mbpo_robot.quota import Goal
from vla_mbpo_robot.quota import Stock
from vla_mbpo_robot.quota import take_stock

CALIBRATION_FILES = ('intrinsics.yaml', 'extrinsics.yaml', 'time_offsets.yaml')
BYTES_PER_PIXEL = 0.09
"""Of our video (H.264, a key frame every second frame); until the dataset has episodes to measure."""
MEASURED_EPISODES = 10
SECONDS_PER_MINUTE = 60.0


def read_stock(root: Path, goal: Goal) -> Stock:
    """What the dataset holds of `goal`.

    Raises:
        DatasetError: the dataset cannot be read.
    """
    with DatasetReader(root) as reader:
        return take_stock(reader.records, goal, removed=reader.removed)


def recording_rate(root: Path, robot: RobotDescription) -> float:
    """Bytes per second of recording: those of the last episodes, or an estimate where there are none yet."""
    try:
        return measured_rate(root) or estimated_rate(robot)
    except (OSError, VlaMbpoError):
        return estimated_rate(robot)


def disk_minutes(root: Path, bytes_per_s: float) -> float | None:
    """Recording time that fits on the disk; None if the disk cannot be asked."""
    try:
        return shutil.disk_usage(root).free / bytes_per_s / SECONDS_PER_MINUTE
    except OSError:
        return None


def measured_rate(root: Path) -> float:
    """Bytes per second of the last saved episodes; 0 if there are none.

    Raises:
        DatasetError: the dataset cannot be read.
        OSError: a file of it is gone.
    """
    folder = DatasetFolder(root)
    with DatasetReader(root) as reader:
        spec, summaries = reader.spec, reader.summaries()[-MEASURED_EPISODES:]
    keys = [image_key(name) for name in spec.camera_names]
    total = sum(_size(folder, keys, summary.index) for summary in summaries)
    duration_s = sum(summary.duration_s for summary in summaries)
    return total / duration_s if duration_s > 0 else 0.0


def estimated_rate(robot: RobotDescription) -> float:
    """Bytes per second that a recording of `robot` will take."""
    pixels = sum(camera.width * camera.height for camera in robot.cameras)
    return float(BYTES_PER_PIXEL * pixels * robot.file.record_rate_hz)


def read_calibration(robot: str, today: date) -> Calibration:
    """What the calibration files of `robot` say; of several the worst status and the oldest date."""
    try:
        paths = [share_path(f'calibration/{robot}/{name}') for name in CALIBRATION_FILES]
        contents = [read_yaml(path) for path in paths]
    except VlaMbpoError:
        return Calibration(status='missing')
    statuses = {str(_field(content, 'status')) for content in contents}
    if statuses != {'measured'}:
        return Calibration(status=', '.join(sorted(statuses - {'measured'})))
    dates = list(_dates(_field(content, 'date') for content in contents))
    if len(dates) < len(contents):
        return Calibration(status='measured')
    return Calibration(status='measured', age_days=float((today - min(dates)).days))


def _size(folder: DatasetFolder, keys: Iterable[str], episode: int) -> int:
    files = [folder.data(episode), *(folder.video(key, episode) for key in keys)]
    return sum(file.stat().st_size for file in files)


def _field(content: Any, name: str) -> Any:  # noqa: ANN401  YAML holds anything
    return content.get(name, 'unknown') if isinstance(content, dict) else 'unknown'


def _dates(values: Iterable[object]) -> Iterable[date]:
    """YAML reads 2026-11-20 as a date by itself; anything else says nothing of the age."""
    return (value for value in values if isinstance(value, date))
