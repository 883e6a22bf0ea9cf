"""Audit of one video: one frame per row, stamped exactly k / fps, readable to its end."""

from collections.abc import Iterator
from fractions import Fraction

from vla_mbpo.episodes.clock import exact_rate
from vla_mbpo.episodes.finding import Finding
from vla_mbpo.episodes.reader import DatasetReader
from vla_mbpo.episodes.schema import image_key
from vla_mbpo.episodes.video import packet_stamps_s
from vla_mbpo.errors import DatasetError


def check_video(reader: DatasetReader, episode: int, camera: str) -> Iterator[Finding]:
    """Findings about one camera's video; reads every packet and decodes the first and last frame."""
    path = reader.folder.video(image_key(camera), episode)
    where = str(path.relative_to(reader.folder.root))
    for message in _problems(reader, episode, camera):
        yield Finding(severity='error', episode=episode, where=where, message=message)


def _problems(reader: DatasetReader, episode: int, camera: str) -> Iterator[str]:
    path = reader.folder.video(image_key(camera), episode)
    if not path.exists():
        yield 'is missing'
        return
    try:
        stamps = list(packet_stamps_s(path))
    except (OSError, ValueError, IndexError) as error:  # IndexError: it holds no video
        yield f'cannot be read: {error}'
        return
    rows = reader.records[episode].length
    if len(stamps) != rows:
        yield f'has {len(stamps)} frames for {rows} rows'
        return
    rate = exact_rate(reader.spec.fps)
    wrong = [k for k, stamp in enumerate(stamps) if stamp != Fraction(k) / rate]
    if wrong:
        k = wrong[0]
        yield f'frame {k} is stamped {float(stamps[k]):.6f} s, expected {float(k / rate):.6f} s'
        return
    yield from _undecodable(reader, episode, camera, rows)


def _undecodable(reader: DatasetReader, episode: int, camera: str, rows: int) -> Iterator[str]:
    configured = next(c for c in reader.spec.cameras if c.name == camera)
    expected = (configured.height, configured.width, 3)
    for k in dict.fromkeys((0, rows - 1)):
        try:
            image = reader.video(camera, episode).frame(k)
        except DatasetError as error:
            yield f'frame {k} cannot be decoded: {error}'
            return
        if image.shape != expected:
            yield f'frame {k} has shape {image.shape}, expected {expected}'
