"""Columns of the rows: their names, types and units, as parquet and as `info.json` have them."""

from dataclasses import dataclass
from typing import Any
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from vla_mbpo.episodes.clock import exact_rate
from vla_mbpo.episodes.schema import ACTION
from vla_mbpo.episodes.schema import ACTION_REQUESTED
from vla_mbpo.episodes.schema import FLAGS
from vla_mbpo.episodes.schema import SOURCE
from vla_mbpo.episodes.schema import STATE
from vla_mbpo.episodes.schema import SUCCESS
from vla_mbpo.episodes.schema import TICK_NS
from vla_mbpo.episodes.schema import CameraFormat
from vla_mbpo.episodes.schema import DatasetSpec
from vla_mbpo.episodes.schema import Row
from vla_mbpo.episodes.schema import capture_key
from vla_mbpo.episodes.schema import domain_key
from vla_mbpo.episodes.schema import frame_number_key
from vla_mbpo.episodes.schema import image_key
from vla_mbpo.episodes.schema import receipt_key
from vla_mbpo.episodes.schema import skew_key

TIMESTAMP = 'timestamp'
FRAME_INDEX = 'frame_index'
EPISODE_INDEX = 'episode_index'
INDEX = 'index'
TASK_INDEX = 'task_index'

Dtype = Literal['float32', 'int64', 'bool']
ARROW_TYPES: dict[Dtype, pa.DataType] = {
    'float32': pa.float32(),
    'int64': pa.int64(),
    'bool': pa.bool_(),
}


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of the rows: a scalar, or a vector with a name and a unit for each number."""

    key: str
    dtype: Dtype
    names: tuple[str, ...] = ()
    units: tuple[str, ...] = ()

    @property
    def arrow_type(self) -> pa.DataType:
        """Type in parquet and Arrow."""
        item = ARROW_TYPES[self.dtype]
        return pa.list_(item, len(self.names)) if self.names else item

    def feature(self) -> dict[str, Any]:
        """Entry of `info.json`."""
        if not self.names:
            return {'dtype': self.dtype, 'shape': [1], 'names': None}
        return {
            'dtype': self.dtype,
            'shape': [len(self.names)],
            'names': list(self.names),
            'units': list(self.units),
        }


DEFAULT_COLUMNS = (
    Column(key=TIMESTAMP, dtype='float32'),
    Column(key=FRAME_INDEX, dtype='int64'),
    Column(key=EPISODE_INDEX, dtype='int64'),
    Column(key=INDEX, dtype='int64'),
    Column(key=TASK_INDEX, dtype='int64'),
)
"""What every LeRobotDataset has; derived from position and episode."""


def row_columns(spec: DatasetSpec) -> tuple[Column, ...]:
    """Columns that are recorded, in stored order."""
    stamps = [TICK_NS]
    for camera in spec.camera_names:
        stamps += [capture_key(camera), receipt_key(camera), skew_key(camera)]
        stamps += [domain_key(camera), frame_number_key(camera)]
    return (
        Column(key=STATE, dtype='float32', names=spec.state_names, units=spec.state_units),
        *(
            Column(key=key, dtype='float32', names=spec.action_names, units=spec.action_units)
            for key in (ACTION, ACTION_REQUESTED)
        ),
        Column(key=SOURCE, dtype='int64'),
        Column(key=SUCCESS, dtype='bool'),
        Column(key=FLAGS, dtype='int64'),
        *(Column(key=key, dtype='int64') for key in stamps),
    )


def arrow_schema(columns: tuple[Column, ...]) -> pa.Schema:
    """Schema of a table with these columns."""
    return pa.schema([(column.key, column.arrow_type) for column in columns])


def features(spec: DatasetSpec) -> dict[str, dict[str, Any]]:
    """The `features` of `info.json`."""
    fps = float(exact_rate(spec.fps))
    return {
        **{column.key: column.feature() for column in row_columns(spec)},
        **{image_key(camera.name): video_feature(camera, fps) for camera in spec.cameras},
        **{column.key: column.feature() for column in DEFAULT_COLUMNS},
    }


def video_feature(camera: CameraFormat, fps: float) -> dict[str, Any]:
    """Entry of `info.json` for a camera's pictures."""
    return {
        'dtype': 'video',
        'shape': [camera.height, camera.width, 3],
        'names': ['height', 'width', 'channels'],
        'info': {
            'video.height': camera.height,
            'video.width': camera.width,
            'video.codec': 'h264',
            'video.pix_fmt': 'yuv420p',
            'video.is_depth_map': False,
            'video.fps': whole(fps),
            'video.channels': 3,
            'has_audio': False,
        },
    }


def whole(number: float) -> int | float:
    """An int where the number is one, as LeRobot expects of fps."""
    return int(number) if number == int(number) else number


def row_batch(row: Row, schema: pa.Schema) -> pa.RecordBatch:
    """A row as a record batch of length 1 of the journal's schema."""
    values: dict[str, object] = {
        STATE: row.state,
        ACTION: row.action,
        ACTION_REQUESTED: row.action_requested,
        SOURCE: int(row.source),
        SUCCESS: bool(row.success),
        FLAGS: int(row.flags),
        TICK_NS: row.tick_ns,
    }
    for camera in row.images:
        values[capture_key(camera)] = row.capture_ns[camera]
        values[receipt_key(camera)] = row.receipt_ns[camera]
        values[skew_key(camera)] = row.skew_ns(camera)
        values[domain_key(camera)] = int(row.domain(camera))
        values[frame_number_key(camera)] = row.frame_number(camera)
    arrays = [_array(values[field.name], field.type) for field in schema]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _array(value: object, kind: pa.DataType) -> pa.Array:
    if isinstance(value, np.ndarray):
        items = pa.array(value.astype(np.float32))
        return pa.FixedSizeListArray.from_arrays(items, kind.list_size)
    return pa.array([value], type=kind)


def to_numpy(table: pa.Table, key: str) -> NDArray[Any]:
    """A column as an array, [N] or [N, width]."""
    column = table.column(key).combine_chunks()
    is_vector = pa.types.is_fixed_size_list(column.type)
    items = column.flatten() if is_vector else column
    values: NDArray[Any] = items.to_numpy(zero_copy_only=False)
    return values.reshape(-1, column.type.list_size) if is_vector else values
