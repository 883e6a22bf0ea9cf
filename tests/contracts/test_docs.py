"""What the pages say is what the code has: generated pages are fresh, hand-written ones name what exists."""

import ast
import importlib
import importlib.util
import re
from dataclasses import fields
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest
from repository import ROOT
from repository import tracked_below
from repository import tracked_files

from vla_mbpo.cli.main import find_commands
from vla_mbpo.episodes.features import features
from vla_mbpo.episodes.quality import Quality
from vla_mbpo.episodes.schema import DatasetSpec
from vla_mbpo.episodes.schema import EpisodeInfo
from vla_mbpo.episodes.schema import EpisodeResult
from vla_mbpo.episodes.schema import Flag
from vla_mbpo.robots import load_robot
from vla_mbpo_robot import topics
from vla_mbpo_robot.bringup import arguments_of
from vla_mbpo_robot.bringup import find_job
from vla_mbpo_robot.bringup import job_names
from vla_mbpo_robot.settings import SETTINGS

DOCS = ROOT / 'docs'
PAGES = [name for name in tracked_files() if name.endswith('.md')]
GRAPH = (DOCS / 'reference/ros-graph.md').read_text()
DATASET = (DOCS / 'reference/dataset-format.md').read_text()
CODE = re.compile(r'^```(\w*)\n(.*?)^```$', re.MULTILINE | re.DOTALL)
LINK = re.compile(r'\[[^\]]*\]\(([^)\s]*)#([^)\s]+)\)')


def load_script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / f'scripts/{name}.py')
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def code_blocks(page: str, language: str) -> list[str]:
    return [text for kind, text in CODE.findall((ROOT / page).read_text()) if kind == language]


def commands_on(page: str) -> str:
    """Everything on a page that a reader may type: shell blocks and code in sentences, without comments."""
    inline = re.findall(r'`([^`\n]+)`', CODE.sub('', (ROOT / page).read_text()))
    return '\n'.join(re.sub(r'#.*', '', text) for text in [*code_blocks(page, 'bash'), *inline])


def anchors(page: Path) -> set[str]:
    """Anchors that GitHub gives to the headings of a page."""
    headings = re.findall(r'^#+ (.*)$', CODE.sub('', page.read_text()), re.MULTILINE)
    return {re.sub(r'[^\w\- ]', '', heading.lower()).replace(' ', '-') for heading in headings}


REFERENCE_PAGES = load_script('reference_pages').pages()


@pytest.mark.parametrize('page', REFERENCE_PAGES, ids=lambda page: page.name)
def test_generated_page_is_what_its_source_gives(page: Path) -> None:
    assert page.read_text() == REFERENCE_PAGES[page], 'run scripts/reference_pages.py'


@pytest.mark.parametrize('node', SETTINGS)
def test_every_node_is_described_with_its_parameters(node: str) -> None:
    assert f'### `{node}`\n' in GRAPH
    assert f'(configuration.md#{node})' in GRAPH
    assert f'| `{node}` |' in (ROOT / 'ros2_ws/src/vla_mbpo_robot/README.md').read_text()


def test_every_topic_and_service_is_on_the_graph_page() -> None:
    names = {value for name, value in vars(topics).items() if name.isupper()}
    names |= {
        function('<camera>')
        for function in (topics.image, topics.camera_info, topics.frame_metadata)
    }
    names |= {topics.compressed_image('<camera>')}
    assert not [name for name in names if f'`{name}`' not in GRAPH]


def test_every_interface_is_in_the_readme_of_its_package() -> None:
    folder = 'ros2_ws/src/vla_mbpo_msgs'
    text = (ROOT / folder / 'README.md').read_text()
    files = [name for name in tracked_below(folder) if name.endswith(('.msg', '.srv', '.action'))]
    names = [name.removeprefix(f'{folder}/').rpartition('.')[0] for name in files]
    assert names
    assert not [name for name in names if f'`{name}`' not in text]


def test_every_flag_is_explained_with_its_bit() -> None:
    assert not [
        flag.name for flag in Flag if flag and f'| {int(flag)} | `{flag.name}` |' not in DATASET
    ]


def test_every_feature_and_every_column_of_an_episode_is_on_the_format_page() -> None:
    spec = DatasetSpec.of_robot(load_robot('arx_x5'))
    names = set(features(spec)) | {
        field.name for part in (EpisodeInfo, EpisodeResult, Quality) for field in fields(part)
    }
    camera = '|'.join(spec.camera_names)
    shown = {re.sub(rf'\.({camera})(?=\.|$)', '.<camera>', name) for name in names}
    assert not [name for name in sorted(shown) if f'`{name}`' not in DATASET]


def test_every_decision_is_numbered_in_turn_and_listed() -> None:
    files = sorted(file.name for file in (DOCS / 'decisions').glob('[0-9]*.md'))
    index = (DOCS / 'decisions/README.md').read_text()
    assert [int(name[:4]) for name in files] == list(range(1, len(files) + 1))
    for name in files:
        assert f'[{name[:4]}]({name})' in index
        assert (DOCS / 'decisions' / name).read_text().startswith(f'# {name[:4]} ')


def test_every_page_below_docs_is_reached_from_the_index() -> None:
    index = (DOCS / 'README.md').read_text()
    pages = [p for p in DOCS.rglob('*.md') if p.parent.name != 'decisions' and p.parent != DOCS]
    assert not [str(p) for p in pages if f'({p.relative_to(DOCS)})' not in index]


def test_every_bench_is_explained() -> None:
    text = (DOCS / 'explanation/performance.md').read_text()
    names = [Path(name).stem for name in tracked_below('bench', '.py')]
    benches = [name for name in names if not name.startswith('_') and name != 'run']
    assert not [name for name in benches if f'| `{name}` |' not in text]


@pytest.mark.parametrize('page', PAGES)
def test_commands_on_a_page_exist(page: str) -> None:
    text = commands_on(page)
    makefile = (ROOT / 'Makefile').read_text()
    targets = set(re.findall(r'^(\w+):', makefile, re.MULTILINE))
    assert set(re.findall(r'\bmake ([a-z]+)', text)) <= targets
    assert set(re.findall(r'\bvla-mbpo ([a-z]+)', text)) <= set(find_commands())
    jobs = set(re.findall(r'\bvla-mbpo up ([a-z]+)|\b([a-z]+)\.launch\.py', text))
    assert {a or b for a, b in jobs} <= set(job_names())
    scripts = re.findall(r'\b((?:scripts|bench)/\w+\.\w+)', text)
    assert not [script for script in scripts if not (ROOT / script).exists()]


@pytest.mark.parametrize('page', PAGES)
def test_arguments_on_a_page_are_accepted(page: str) -> None:
    known = {a.name: a.choices for job in job_names() for a in arguments_of(find_job(job).options)}
    # '__ns:=...' is a remapping of ROS, and name:= stands for all arguments.
    for name, value in re.findall(r'(?<![\w])([a-z]\w*):=([\w./]*)', commands_on(page)):
        if name == 'name' or (name == 'robot' and value == 'arx_x6'):
            continue
        assert name in known, f'{page}: {name}:='
        assert not value or not known[name] or value in known[name], f'{page}: {name}:={value}'


@pytest.mark.parametrize('page', [page for page in PAGES if code_blocks(page, 'python')])
def test_python_on_a_page_imports_what_exists(page: str) -> None:
    for block in code_blocks(page, 'python'):
        if block.startswith('def '):
            continue  # a line of ours that is quoted
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom) and (node.module or '').startswith('vla_mbpo'):
                module = importlib.import_module(node.module or '')
                assert all(hasattr(module, alias.name) for alias in node.names)


@pytest.mark.parametrize('page', PAGES)
def test_links_into_a_page_lead_to_a_heading(page: str) -> None:
    folder = (ROOT / page).parent
    for file, anchor in LINK.findall((ROOT / page).read_text()):
        target = folder / file if file else ROOT / page
        if '://' not in file and target.suffix == '.md':
            assert anchor in anchors(target), f'{page} links to {file}#{anchor}'


def test_pictures_of_the_pages_are_well_formed_and_explain_themselves() -> None:
    pictures = list((DOCS / 'assets').glob('*.svg'))
    assert pictures
    for picture in pictures:
        root = ElementTree.parse(picture).getroot()
        assert root.find('{http://www.w3.org/2000/svg}title') is not None
