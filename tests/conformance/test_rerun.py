"""A recording for rerun, written by its SDK (which lerobot's environment has) and read back by it."""

import os
import subprocess
from pathlib import Path

import pytest
from episode_samples import make_dataset
from repository import ROOT

from vla_mbpo.episodes.reader import DatasetReader
from vla_mbpo.episodes.schema import STATE

pytestmark = pytest.mark.timeout(120)

ROWS = 9
PROGRAM = """
import sys
from pathlib import Path
import rerun as rr
from vla_mbpo.episodes.reader import DatasetReader
from vla_mbpo.episodes.viz_rerun import write_rrd
with DatasetReader(Path(sys.argv[1])) as reader:
    write_rrd(reader, 1, Path(sys.argv[2]))
recording = rr.dataframe.load_recording(sys.argv[2])
table = recording.view(index='row', contents='/**').select().read_all()
for name in table.column_names:
    print(name, table.column(name).to_pylist(), sep='=')
"""


def test_the_recording_has_every_curve_and_a_frame_of_each_video_per_row(
    ask: object, tmp_path: Path
) -> None:
    root = make_dataset(tmp_path / 'set', episodes=2, rows=ROWS)
    python = ROOT / '.venv-conformance/bin/python'
    result = subprocess.run(
        [python, '-c', PROGRAM, root, tmp_path / 'new/episode.rrd'],
        capture_output=True,
        text=True,
        check=False,
        env={
            'HOME': str(tmp_path),
            'PATH': os.environ['PATH'],
            'PYTHONPATH': str(ROOT / 'ros2_ws/src'),
        },
    )
    assert result.returncode == 0, result.stderr[-3000:]
    found = dict(line.split('=', 1) for line in result.stdout.splitlines() if '=' in line)
    with DatasetReader(root) as reader:
        states = reader.episode(1)[STATE][:, 0].tolist()
    (curve,) = [text for name, text in found.items() if name.startswith('/joint1/state:')]
    assert [value[0] for value in eval(curve)] == pytest.approx(states)
    (frames,) = [v for n, v in found.items() if n.startswith('/cameras/head:') and 'timestamp' in n]
    assert len(eval(frames)) == ROWS
