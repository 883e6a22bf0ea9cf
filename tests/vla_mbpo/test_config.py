"""Configuration files: strict in, complete out."""

import datetime
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies

from vla_mbpo.config import dump
from vla_mbpo.config import dumps
from vla_mbpo.config import field_setting
from vla_mbpo.config import from_mapping
from vla_mbpo.config import load
from vla_mbpo.config import read_yaml
from vla_mbpo.config import setting
from vla_mbpo.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Inner:
    name: str
    point_m: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True, kw_only=True)
class Outer:
    rate_hz: Annotated[float, setting('Rate of the loop', unit='Hz', ge=1, lt=100)] = 10.0
    parts: tuple[Inner, ...] = ()
    by_name: dict[str, Inner] | None = None


def refused(value: object) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        from_mapping(Outer, value, source='outer.yaml')
    assert str(caught.value).startswith('outer.yaml: ')
    return caught.value.problems


def test_defaults_fill_what_is_not_given() -> None:
    assert from_mapping(Outer, {}, source='x') == Outer()
    given_parts = {'parts': [{'name': 'a', 'point_m': [1, 2]}]}
    assert from_mapping(Outer, given_parts, source='x').parts == (Inner(name='a', point_m=(1, 2)),)


def test_unknown_keys_are_found_at_every_depth_with_the_nearest_known_one() -> None:
    value = {
        'rate': 1.0,
        'parts': [{'name': 'a', 'pointm': [1, 2]}],
        'by_name': {'b': {'name': 'b', 'nme': 1}},
    }
    problems = refused(value)
    assert problems == (
        "rate: unknown key; known keys: rate_hz, parts, by_name. Did you mean 'rate_hz'?",
        "parts.0.pointm: unknown key; known keys: name, point_m. Did you mean 'point_m'?",
        "by_name.b.nme: unknown key; known keys: name, point_m. Did you mean 'name'?",
    )


def test_types_are_not_converted() -> None:
    assert refused({'rate_hz': '10'}) == ("rate_hz: input should be a valid number, got '10'",)
    assert refused({'parts': [{'name': 7}]}) == (
        'parts.0.name: input should be a valid string, got 7',
    )
    assert refused([]) == ('(top level): input should be an object, got []',)
    assert 'not JSON serializable' in refused({'rate_hz': datetime.date(2026, 1, 1)})[0]


def test_ranges_hold_at_both_ends() -> None:
    assert refused({'rate_hz': 0.5})[0].endswith('greater than or equal to 1, got 0.5')
    assert refused({'rate_hz': 100})[0].endswith('less than 100, got 100')
    assert from_mapping(Outer, {'rate_hz': 1}, source='x').rate_hz == 1.0


def test_numbers_that_are_none_are_refused() -> None:
    assert refused({'rate_hz': float('nan')}) == ('rate_hz: expected a finite number, got nan',)
    assert refused({'rate_hz': float('inf')}) == ('rate_hz: expected a finite number, got inf',)


def test_long_values_are_shortened_in_messages() -> None:
    (problem,) = refused({'rate_hz': 'x' * 1000})
    assert len(problem) < 200


@given(
    rate_hz=strategies.floats(1, 99),
    names=strategies.lists(strategies.text(min_size=1), max_size=3),
)
def test_dump_and_load_give_the_same_value_back(rate_hz: float, names: list[str]) -> None:
    value = Outer(
        rate_hz=rate_hz,
        parts=tuple(Inner(name=name) for name in names),
        by_name={name: Inner(name=name) for name in names},
    )
    assert from_mapping(Outer, yaml.safe_load(dumps(value)), source='x') == value


def test_dumped_files_are_complete_and_in_field_order(tmp_path: Path) -> None:
    path = tmp_path / 'outer.yaml'
    dump(Outer(), path)
    assert list(read_yaml(path)) == ['rate_hz', 'parts', 'by_name']
    assert load(Outer, path) == Outer()


def test_settings_carry_help_and_unit() -> None:
    found = field_setting(Outer, 'rate_hz')
    assert found.description == 'Rate of the loop'
    assert found.json_schema_extra == {'unit': 'Hz'}
    assert field_setting(Outer, 'parts').description is None


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('a: 1\na: 2\n', "key 'a' is given twice.*line 2, column 1"),
        ('a: {b: 1, b: 2}\n', "key 'b' is given twice.*line 1"),
        ('a: [1\n', 'is not valid YAML'),
        ('? [1, 2]\n: 3\n', 'is not valid YAML.*unhashable key'),
        (
            'a: !!python/object:os.system x\n',
            'is not valid YAML.*could not determine a constructor',
        ),
    ],
)
def test_broken_yaml_is_refused_with_its_place(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / 'broken.yaml'
    path.write_text(text)
    with pytest.raises(ConfigError, match=rf'broken\.yaml: .*{message}'):
        read_yaml(path)


def test_merge_keys_may_be_repeated(tmp_path: Path) -> None:
    path = tmp_path / 'merged.yaml'
    path.write_text('a: &a {x: 1}\nb: {<<: *a, y: 2}\n')
    assert read_yaml(path)['b'] == {'x': 1, 'y': 2}


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r'none\.yaml: cannot be read: No such file'):
        read_yaml(tmp_path / 'none.yaml')
    (tmp_path / 'latin.yaml').write_bytes(b'name: \xe9\n')
    with pytest.raises(ConfigError, match=r'latin\.yaml: is not valid YAML'):
        read_yaml(tmp_path / 'latin.yaml')
