from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from episode_samples import INFO
from episode_samples import SPEC
from episode_samples import SUCCESS
from episode_samples import make_row
from episode_samples import record

from vla_mbpo.episodes.canvas import BAD
from vla_mbpo.episodes.canvas import GOOD
from vla_mbpo.episodes.contact_sheet import LABEL_WIDTH
from vla_mbpo.episodes.contact_sheet import MARGIN
from vla_mbpo.episodes.contact_sheet import TOP
from vla_mbpo.episodes.contact_sheet import contact_sheet
from vla_mbpo.episodes.contact_sheet import write_contact_sheet
from vla_mbpo.episodes.reader import DatasetReader
from vla_mbpo.episodes.schema import Flag
from vla_mbpo.episodes.writer import DatasetWriter
from vla_mbpo.errors import DatasetError

LEFT = MARGIN + LABEL_WIDTH
COLOURS = {'head': (220, 40, 40), 'left_wrist': (40, 200, 40), 'right_wrist': (40, 40, 220)}


@pytest.fixture(scope='module')
def reader(tmp_path_factory: pytest.TempPathFactory) -> DatasetReader:
    root = tmp_path_factory.mktemp('sheet') / 'set'
    plain = {name: np.full((48, 64, 3), colour, np.uint8) for name, colour in COLOURS.items()}
    with DatasetWriter.open(root, SPEC) as writer:
        for count in (20, 3):
            episode = writer.start(INFO)
            flags = [Flag.STATE_GAP if k == 0 else Flag.NONE for k in range(count)]
            rows = [replace(make_row(k, flags=flags[k]), images=plain) for k in range(count)]
            record(episode, [replace(row, success=k > 9) for k, row in enumerate(rows)])
            episode.finish(SUCCESS)
    return DatasetReader(root)


def test_each_camera_has_a_row_of_its_pictures(reader: DatasetReader) -> None:
    sheet = contact_sheet(reader, 0)
    for i, colour in enumerate(COLOURS.values()):
        pixel = sheet[TOP + 90 + i * 186, LEFT + 5]
        np.testing.assert_allclose(pixel, colour, atol=12)
        np.testing.assert_allclose(sheet[TOP + 90 + i * 186, LEFT + 7 * 246 + 120], colour, atol=12)


def test_flags_and_success_are_on_the_timeline(reader: DatasetReader) -> None:
    sheet = contact_sheet(reader, 0)
    line = sheet[-MARGIN - 5, LEFT:-MARGIN]
    assert tuple(line[3]) == BAD
    assert tuple(line[-3]) == GOOD
    assert tuple(line[len(line) // 4]) not in {GOOD, BAD}


def test_a_short_episode_shows_each_row_once(reader: DatasetReader) -> None:
    sheet = contact_sheet(reader, 1)
    assert sheet.shape == contact_sheet(reader, 0).shape
    assert tuple(sheet[TOP + 90, LEFT + 3 * 246 + 5]) == (20, 22, 27)


def test_the_png_holds_the_sheet(reader: DatasetReader, tmp_path: Path) -> None:
    write_contact_sheet(reader, 0, tmp_path / 'a' / 'sheet.png')
    stored = cv2.cvtColor(cv2.imread(str(tmp_path / 'a' / 'sheet.png')), cv2.COLOR_BGR2RGB)
    np.testing.assert_array_equal(stored, contact_sheet(reader, 0))


def test_a_place_that_cannot_be_written_is_named(reader: DatasetReader, tmp_path: Path) -> None:
    (tmp_path / 'file').write_text('')
    with pytest.raises(DatasetError, match=r'contact sheet .*file/x.png cannot be written'):
        write_contact_sheet(reader, 0, tmp_path / 'file' / 'x.png')
