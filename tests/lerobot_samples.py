"""Datasets as LeRobot writes them: several episodes per file, no columns of ours, any codec or PNG in the rows."""

import json
from collections.abc import Iterable
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from episode_samples import burned
from episode_samples import number_in
from numpy.typing import NDArray

FPS = 10
CAMERAS = ('top', 'wrist')
DIMS = 6
SIZE = (96, 128)
TASK = 'put the cube away'
DATA = 'data/chunk-000/file-000.parquet'
META = 'meta/episodes/chunk-000/file-000.parquet'
TOP = 'videos/observation.images.top/chunk-000/file-000.mp4'


def picture(number: int) -> NDArray[np.uint8]:
    """uint8 [96, 128, 3] that shows a number."""
    return np.kron(burned(number), np.ones((2, 2, 1), np.uint8))


def shown(image: NDArray[np.uint8]) -> int:
    """Inverse of `picture`."""
    return number_in(image[::2, ::2])


def number_of(episode: int, row: int) -> int:
    """What the pictures of a row show."""
    return 1000 * episode + row + 1


def make_lerobot(
    root: Path,
    lengths: Sequence[int] = (20, 24, 16),
    *,
    codec: str = 'libx264',
    with_png: bool = False,
    fps: int = FPS,
) -> Path:
    """A sound dataset; with `with_png` the camera `wrist` is PNG in the rows."""
    videos = CAMERAS[:1] if with_png else CAMERAS
    rows = [episode_rows(k, n, sum(lengths[:k]), with_png=with_png) for k, n in enumerate(lengths)]
    write_rows(root / DATA, rows)
    for camera in videos:
        numbers = [number_of(e, k) for e, n in enumerate(lengths) for k in range(n)]
        write_video(root / TOP.replace('top', camera), numbers, codec=codec, fps=fps)
    metadata = [metadata_row(e, lengths, videos, fps) for e in range(len(lengths))]
    (root / META).parent.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(metadata), root / META)
    tasks = pa.table({'task_index': [0], '__index_level_0__': [TASK]})
    pq.write_table(tasks, root / 'meta/tasks.parquet')
    write_info(root, len(lengths), sum(lengths), videos, fps)
    return root


def schema(*, with_png: bool = False) -> pa.Schema:
    """Columns of the data files."""
    vector = pa.list_(pa.float32(), DIMS)
    fields = [('observation.state', vector), ('action', vector)]
    if with_png:
        image = pa.struct([('bytes', pa.binary()), ('path', pa.string())])
        fields.append(('observation.images.wrist', image))
    fields.append(('timestamp', pa.float32()))
    names = ('frame_index', 'episode_index', 'index', 'task_index')
    return pa.schema([*fields, *((name, pa.int64()) for name in names)])


def episode_rows(episode: int, rows: int, first: int, *, with_png: bool = False) -> pa.Table:
    frame = np.arange(rows)
    rng = np.random.default_rng(episode)
    values: dict[str, Any] = {
        'observation.state': list(rng.normal(size=(rows, DIMS)).astype(np.float32)),
        'action': list(rng.normal(size=(rows, DIMS)).astype(np.float32)),
        'timestamp': (frame / FPS).astype(np.float32),
        'frame_index': frame,
        'episode_index': np.full(rows, episode),
        'index': frame + first,
        'task_index': np.zeros(rows, dtype=np.int64),
    }
    if with_png:
        values['observation.images.wrist'] = [
            {'bytes': png(number_of(episode, k)), 'path': f'frame-{k:06d}.png'} for k in range(rows)
        ]
    columns = schema(with_png=with_png)
    return pa.Table.from_arrays(
        [pa.array(values[field.name], field.type) for field in columns], schema=columns
    )


def png(number: int) -> bytes:
    return bytes(cv2.imencode('.png', picture(number))[1])


def write_rows(path: Path, episodes: Sequence[pa.Table], *, footer: bool = True) -> None:
    """A data file with a row group per episode; without a footer it is what a killed writer leaves."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = pq.ParquetWriter(path, episodes[0].schema, compression='snappy', use_dictionary=True)
    for table in episodes:
        writer.write_table(table)
    torn = path.read_bytes()
    writer.close()
    if not footer:
        path.write_bytes(torn)


def write_video(
    path: Path, numbers: Iterable[int], *, codec: str = 'libx264', fps: int = FPS
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), 'w', format='mp4', options={'movflags': 'faststart'}) as container:
        options = {'crf': '23', 'preset': '12' if codec == 'libsvtav1' else 'ultrafast'}
        stream = container.add_stream(codec, rate=fps, options=options)
        stream.height, stream.width = SIZE
        stream.pix_fmt = 'yuv420p'
        stream.codec_context.gop_size, stream.codec_context.max_b_frames = 2, 0
        stream.codec_context.thread_count = 1
        stream.codec_context.time_base = Fraction(1, fps)
        for k, number in enumerate(numbers):
            frame = av.VideoFrame.from_ndarray(picture(number), format='rgb24')
            frame.pts, frame.time_base = k, Fraction(1, fps)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def metadata_row(
    episode: int, lengths: Sequence[int], videos: Sequence[str], fps: int = FPS
) -> dict[str, Any]:
    first, rows = sum(lengths[:episode]), lengths[episode]
    row: dict[str, Any] = {
        'episode_index': episode,
        'tasks': [TASK],
        'length': rows,
        'data/chunk_index': 0,
        'data/file_index': 0,
        'dataset_from_index': first,
        'dataset_to_index': first + rows,
        'meta/episodes/chunk_index': 0,
        'meta/episodes/file_index': 0,
    }
    for camera in videos:
        prefix = f'videos/observation.images.{camera}'
        row |= {f'{prefix}/chunk_index': 0, f'{prefix}/file_index': 0}
        row |= {
            f'{prefix}/from_timestamp': first / fps,
            f'{prefix}/to_timestamp': (first + rows) / fps,
        }
    return row


def write_info(
    root: Path, episodes: int, frames: int, videos: Sequence[str], fps: int = FPS
) -> None:
    names = [f'joint_{k}' for k in range(DIMS)]
    features: dict[str, Any] = {
        key: {'dtype': 'float32', 'shape': [DIMS], 'names': names}
        for key in ('observation.state', 'action')
    }
    for camera in CAMERAS:
        kind = 'video' if camera in videos else 'image'
        shape, axes = [*SIZE, 3], ['height', 'width', 'channels']
        features[f'observation.images.{camera}'] = {'dtype': kind, 'shape': shape, 'names': axes}
    features['timestamp'] = {'dtype': 'float32', 'shape': [1], 'names': None}
    for key in ('frame_index', 'episode_index', 'index', 'task_index'):
        features[key] = {'dtype': 'int64', 'shape': [1], 'names': None}
    info = {
        'codebase_version': 'v3.0',
        'robot_type': 'so100',
        'total_episodes': episodes,
        'total_frames': frames,
        'total_tasks': 1,
        'chunks_size': 1000,
        'fps': fps,
        'splits': {'train': f'0:{episodes}'},
        'data_path': 'data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet',
        'video_path': 'videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4',
        'features': features,
    }
    (root / 'meta').mkdir(parents=True, exist_ok=True)
    (root / 'meta/info.json').write_text(json.dumps(info))
