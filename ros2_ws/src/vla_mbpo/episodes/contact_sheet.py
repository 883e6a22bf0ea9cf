"""An episode at a glance: one picture with a row per camera, the joint curves and a timeline."""

from pathlib import Path

import numpy as np

from vla_mbpo.episodes.canvas import BAD
from vla_mbpo.episodes.canvas import GOOD
from vla_mbpo.episodes.canvas import MUTED
from vla_mbpo.episodes.canvas import Canvas
from vla_mbpo.episodes.canvas import png
from vla_mbpo.episodes.canvas import resized
from vla_mbpo.episodes.clock import exact_rate
from vla_mbpo.episodes.reader import DatasetReader
from vla_mbpo.episodes.reader import Episode
from vla_mbpo.episodes.schema import FLAGS
from vla_mbpo.episodes.schema import STATE
from vla_mbpo.episodes.schema import SUCCESS
from vla_mbpo.episodes.schema import Image
from vla_mbpo.errors import DatasetError

COLUMNS = 8
THUMBNAIL_WIDTH = 240
GAP = 6
MARGIN = 24
LABEL_WIDTH = 120
TITLE_BASELINE = 40
SUBTITLE_BASELINE = 66
TIMES_BASELINE = 98
TOP = 106
CURVES_HEIGHT = 110
TIMELINE_HEIGHT = 10
TITLE_SCALE = 0.72


def contact_sheet(reader: DatasetReader, index: int) -> Image:
    """Picture of an episode, uint8 [H, W, 3] RGB.

    Raises:
        DatasetError: there is no such episode, or it cannot be read.
    """
    episode = reader.episode(index)
    heights = [round(c.height * THUMBNAIL_WIDTH / c.width) for c in reader.spec.cameras]
    left, width = MARGIN + LABEL_WIDTH, COLUMNS * (THUMBNAIL_WIDTH + GAP) - GAP
    below = TOP + sum(height + GAP for height in heights)
    bottom = below + CURVES_HEIGHT + GAP + TIMELINE_HEIGHT + MARGIN
    canvas = Canvas(left + width + MARGIN, bottom)
    _draw_title(canvas, reader, episode)
    moments = _moments(len(episode))
    lefts = [left + i * (THUMBNAIL_WIDTH + GAP) for i in range(len(moments))]
    for k, column in zip(moments, lefts, strict=True):
        time_s = float(k / exact_rate(reader.spec.fps))
        canvas.text(f'{time_s:.2f} s', column, TIMES_BASELINE, colour=MUTED)
    top = TOP
    for camera, height in zip(reader.spec.camera_names, heights, strict=True):
        canvas.text(camera.replace('_', ' '), MARGIN, top + height // 2, colour=MUTED)
        for k, column in zip(moments, lefts, strict=True):
            canvas.paste(resized(episode.frame(camera, k), THUMBNAIL_WIDTH), column, top)
        top += height + GAP
    canvas.text('joint state', MARGIN, top + CURVES_HEIGHT // 2, colour=MUTED)
    canvas.curves(episode[STATE].astype(np.float64), (left, top, width, CURVES_HEIGHT))
    masks = [(episode[SUCCESS].astype(bool), GOOD), (episode[FLAGS] != 0, BAD)]
    top += CURVES_HEIGHT + GAP
    canvas.text('success', MARGIN, top + TIMELINE_HEIGHT, colour=GOOD)
    canvas.text('flags', MARGIN + 68, top + TIMELINE_HEIGHT, colour=BAD)
    canvas.timeline(masks, (left, top, width, TIMELINE_HEIGHT))
    return canvas.image


def write_contact_sheet(reader: DatasetReader, index: int, path: Path) -> None:
    """Write the contact sheet of an episode as PNG.

    Raises:
        DatasetError: the episode cannot be read, or the file cannot be written.
    """
    data = png(contact_sheet(reader, index))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        problem = f'contact sheet {path} cannot be written: {error.strerror}'
        raise DatasetError(reader.folder.root, problem) from error


def _draw_title(canvas: Canvas, reader: DatasetReader, episode: Episode) -> None:
    summary = episode.record.summary(reader.spec.fps)
    is_success = summary.outcome == 'success'
    title = f'{summary.task}  /  episode {summary.index}'
    end = canvas.text(title, MARGIN, TITLE_BASELINE, scale=TITLE_SCALE)
    colour = GOOD if is_success else BAD
    canvas.text(summary.outcome, end + MARGIN, TITLE_BASELINE, colour=colour, scale=TITLE_SCALE)
    facts = [
        summary.instruction,
        f'{reader.spec.robot}, {summary.split} {summary.condition}'.rstrip(),
        f'{summary.frames} rows in {summary.duration_s:.1f} s',
        f'skew up to {summary.max_skew_ms:.1f} ms',
        f'{summary.flagged_rows} flagged',
        f'recording {summary.verdict}',
    ]
    canvas.text('   |   '.join(facts), MARGIN, SUBTITLE_BASELINE, colour=MUTED)


def _moments(rows: int) -> list[int]:
    """Up to COLUMNS row numbers, evenly spaced, first and last included."""
    return sorted({round(share * (rows - 1)) for share in np.linspace(0, 1, COLUMNS)})
