"""A dataset of the schema before is read and not continued."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from episode_samples import SPEC
from episode_samples import make_dataset

from vla_mbpo.episodes.reader import DatasetReader
from vla_mbpo.episodes.schema import STATE
from vla_mbpo.episodes.schema import domain_key
from vla_mbpo.episodes.schema import frame_number_key
from vla_mbpo.episodes.writer import DatasetWriter
from vla_mbpo.errors import DatasetError


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """A dataset as schema 1 had it: no clock domains, no frame numbers."""
    root = make_dataset(tmp_path / 'set', episodes=1, rows=5)
    added = [key(name) for name in SPEC.camera_names for key in (domain_key, frame_number_key)]
    info = json.loads((root / 'meta/info.json').read_text())
    info['vla_mbpo_schema'] = 1
    for key in added:
        del info['features'][key]
    (root / 'meta/info.json').write_text(json.dumps(info))
    data = root / 'data/chunk-000/file-000.parquet'
    pq.write_table(pq.read_table(data).drop_columns(added), data)
    return root


def test_schema_1_is_read(older: Path) -> None:
    with DatasetReader(older) as reader:
        episode = reader.episode(0)
        assert episode[STATE].shape == (5, 3)
        assert len(list(episode.frames('head'))) == 5


def test_schema_1_is_not_continued_and_not_changed(older: Path) -> None:
    before = (older / 'meta/info.json').read_text()
    problem = 'was recorded with schema 1, this software adds schema 2. Use another folder'
    with pytest.raises(DatasetError, match=problem):
        DatasetWriter.open(older, SPEC)
    assert (older / 'meta/info.json').read_text() == before
