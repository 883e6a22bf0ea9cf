import base64
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from episode_samples import CAMERAS
from episode_samples import DIMS
from episode_samples import FPS
from episode_samples import INFO
from episode_samples import SPEC
from episode_samples import make_dataset
from episode_samples import make_row
from episode_samples import number_in
from episode_samples import record
from episode_samples import report

from vla_mbpo.cli.dataset import main
from vla_mbpo.episodes.reader import DatasetReader
from vla_mbpo.episodes.schema import STATE
from vla_mbpo.episodes.schema import EpisodeResult
from vla_mbpo.episodes.schema import Flag
from vla_mbpo.episodes.video_reader import VideoReader
from vla_mbpo.episodes.viz import write_page
from vla_mbpo.episodes.writer import DatasetWriter
from vla_mbpo.errors import DatasetError
from vla_mbpo.errors import MissingDependencyError
from vla_mbpo.errors import UnknownNameError

DATA = re.compile(r'<script id="data" type="application/json">(.*?)</script>', re.DOTALL)


@pytest.fixture(scope='module')
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_dataset(tmp_path_factory.mktemp('viz') / 'set', episodes=2, rows=9)


def data_of(page: Path) -> dict:
    (text,) = DATA.findall(page.read_text())
    return json.loads(text)


def test_the_page_holds_the_videos_and_refers_to_nothing_outside(
    root: Path, tmp_path: Path
) -> None:
    out = tmp_path / 'new/page.html'
    assert main(['viz', str(root), '--episode', '1', '--out', str(out)]) == 0
    for camera in data_of(out)['cameras']:
        kind, _, content = camera['video'].partition(',')
        assert kind == 'data:video/mp4;base64'
        video = tmp_path / f'{camera["name"]}.mp4'
        video.write_bytes(base64.b64decode(content))
        first = CAMERAS.index(camera['name'])
        numbers = [number_in(image) for image in VideoReader(tmp_path, video, FPS).frames()]
        assert numbers == [1000 + 3 * k + first for k in range(9)]
    assert not re.search(r'(?:src|href)\s*=\s*["\']?(?:https?:)?//', out.read_text())
    assert not re.search(r'https?://(?!www\.w3\.org/)', out.read_text())


def test_with_assets_the_page_refers_to_copies_beside_it(root: Path, tmp_path: Path) -> None:
    out = tmp_path / 'page.html'
    assert main(['viz', str(root), '--assets', '--out', str(out)]) == 0
    addresses = [camera['video'] for camera in data_of(out)['cameras']]
    assert addresses == [f'page_assets/episode-000000-{camera}.mp4' for camera in CAMERAS]
    for address, camera in zip(addresses, CAMERAS, strict=True):
        stored = root / f'videos/observation.images.{camera}/chunk-000/file-000.mp4'
        assert (tmp_path / address).read_bytes() == stored.read_bytes()


def test_curves_flags_and_skews_are_those_of_the_rows(tmp_path: Path) -> None:
    root = tmp_path / 'set'
    with DatasetWriter.open(root, SPEC) as writer:
        episode = writer.start(INFO)
        flags = {3: Flag.STATE_GAP, 5: Flag.SKEW_OVER_BUDGET | Flag.COMMAND_GAP}
        record(episode, (make_row(k, flags=flags.get(k, Flag.NONE)) for k in range(8)))
        episode.finish(EpisodeResult(outcome='success'), report(8))
    with DatasetReader(root) as reader:
        write_page(reader, 0, tmp_path / 'page.html')
        states = reader.episode(0)[STATE]
    data = data_of(tmp_path / 'page.html')
    assert data['rows'] == 8
    assert data['flags'] == [0, 0, 0, 4, 0, 9, 0, 0]
    assert [4, 'STATE_GAP'] in data['flag_names']
    assert data['success'] == [0, 1] * 4
    assert [camera['skew_ms'][0] for camera in data['cameras']] == [0.0, 1.0, 2.0]
    assert data['budget_ms'] == pytest.approx(16.666667)
    assert [dim['name'] for dim in data['dims']] == list(DIMS)
    for i, dim in enumerate(data['dims']):
        assert np.allclose(dim['state'], states[:, i], atol=1e-5)
        assert np.allclose(dim['action'], np.array(dim['state']) + 0.1, atol=1e-5)
        assert np.allclose(dim['requested'], np.array(dim['state']) + 0.2, atol=1e-5)
    assert [badge['kind'] for badge in data['badges']] == ['success', 'bad']
    assert ['instruction', 'pick up the cup'] in data['episode']


def test_a_note_cannot_become_part_of_the_page(tmp_path: Path) -> None:
    note = '</script><img src=x onerror=alert(1)>'
    with DatasetWriter.open(tmp_path / 'set', SPEC) as writer:
        episode = writer.start(INFO)
        record(episode, [make_row(0)])
        episode.finish(EpisodeResult(outcome='failure', note=note))
    with DatasetReader(tmp_path / 'set') as reader:
        write_page(reader, 0, tmp_path / 'page.html')
    assert '<img' not in (tmp_path / 'page.html').read_text()
    assert ['note', note] in data_of(tmp_path / 'page.html')['episode']


def test_what_cannot_be_shown_is_said(root: Path, tmp_path: Path) -> None:
    with pytest.raises(
        UnknownNameError, match=r"unknown kind of file '.pdf' in --out; known: .html"
    ):
        main(['viz', str(root), '--out', str(tmp_path / 'page.pdf')])
    with pytest.raises(DatasetError, match='there is no episode 7'):
        main(['viz', str(root), '--episode', '7', '--out', str(tmp_path / 'page.html')])
    blocked = tmp_path / 'file'
    blocked.write_text('')
    with pytest.raises(DatasetError, match=r'page .*file/page.html cannot be written'):
        main(['viz', str(root), '--out', str(blocked / 'page.html')])


def test_a_missing_video_is_named(tmp_path: Path) -> None:
    root = make_dataset(tmp_path / 'set', episodes=1, rows=2)
    (root / 'videos/observation.images.head/chunk-000/file-000.mp4').unlink()
    with pytest.raises(
        DatasetError, match=r'observation.images.head/chunk-000/file-000.mp4 is miss'
    ):
        main(['viz', str(root), '--out', str(tmp_path / 'page.html')])


def test_without_rerun_the_extra_that_has_it_is_named(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, 'rerun', None)
    with pytest.raises(MissingDependencyError, match=r'rerun-sdk is missing.*vla_mbpo\[viz\]'):
        main(['viz', str(root), '--out', str(tmp_path / 'episode.rrd')])
    assert not (tmp_path / 'episode.rrd').exists()
