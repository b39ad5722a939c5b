"""The YAML of a FractalJob's file: read as the API server reads it, mistakes named with their line."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fractal_console.strict_yaml import YamlError, documents

MERGES = "x0: &x0 {a: 1}\n" + "".join(
    f"x{level}: &x{level} {{<<: [{', '.join([f'*x{level - 1}'] * 9)}]}}\n" for level in range(1, 40)
)
"""Forty lines that ask for 9^39 keys."""

MISTAKES = [
    ("unclosed", "a: [1,\n b: }", 2, "expected the node content"),
    ("tab", "a:\n\tb: 1", 2, "cannot start any token"),
    ("unknown alias", "x: &a 1\ny: *b", 2, "undefined alias 'b'"),
    ("python object", "\n!!python/object:os.system x", 2, "could not determine a constructor"),
    ("control character", "a: 1\nb: \x07", 2, r"the character '\x07' may not be in YAML"),
    ("key twice", "spec:\n  a: 1\n  b: 2\n  a: 1\n", 4, "the key 'a' is given twice, in line 2 and again here"),
    ("key twice in one line", "{a: 1, a: 2}", 1, "the key 'a' is given twice, in line 1"),
    ("key twice behind an alias", "x: &x [{a: 1,\n a: 2}]\ny: *x", 2, "the key 'a' is given twice"),
    ("bottomless", "[" * 5_000, 0, "nested too deeply"),
    ("bad number", "\na: !!int x", 2, "this number can't be read"),
    ("bad fraction", "\na: !!float x", 2, "this number can't be read"),
    ("endless number", "\na: 1" + "0" * 5_000, 2, "this number can't be read"),
    (
        "wide merges",
        f"x: &x {{{', '.join(f'k{key}: 1' for key in range(5_000))}}}\ny: {{<<: [*x, *x, *x]}}",
        1,
        "merges",
    ),
    ("many laughs", MERGES, 5, "merges bring more than 10,000 keys"),
]


@pytest.mark.parametrize(("text", "line", "words"), [m[1:] for m in MISTAKES], ids=[m[0] for m in MISTAKES])
def test_a_mistake_is_named_with_its_line(text: str, line: int, words: str) -> None:
    with pytest.raises(YamlError) as caught:
        documents(text)
    assert caught.value.line == line
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


SCALARS = [
    ("1e50", 1e50),
    ("-2.5e-3", -2.5e-3),
    (".5E2", 50.0),
    ('"1e50"', "1e50"),
    ("2026-11-22", "2026-11-22"),
    ("12.5", 12.5),
    ("1280", 1280),
    ("auto", "auto"),
    ("e5", "e5"),
    ("1:30", "1:30"),
    ("1:30.5", "1:30.5"),
    ("0x1f", 31),
    ("-1_000", -1000),
    ("0", 0),
    ("-.inf", -math.inf),
    ("1.", 1.0),
]


@pytest.mark.parametrize(("text", "value"), SCALARS, ids=[s[0] for s in SCALARS])
def test_a_scalar_is_what_the_api_server_takes_it_for(text: str, value: object) -> None:
    [document] = documents(f"a: {text}")
    assert document.value == {"a": value}
    assert type(document.value["a"]) is type(value)


def test_a_merge_brings_the_keys_that_are_not_there() -> None:
    [document] = documents("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\n")
    assert document.value["b"] == {"x": 1, "y": 3}


def test_empty_documents_are_passed_over() -> None:
    assert [d.value for d in documents("---\n---\na: 1\n--- # nothing\n---\nb: 2\n...\n")] == [{"a": 1}, {"b": 2}]


def test_the_line_of_a_field_is_found_by_its_path() -> None:
    [document] = documents("kind: X\nspec:\n  image:\n    samples: 3\n  colors:\n  - a\n  - b\n")
    assert document.line_of("spec.image.samples") == 4
    assert document.line_of("spec.colors.1") == 7
    assert document.line_of("spec.image.width") == 3, "a missing field is at its parent"
    assert document.line_of("metadata") == 1


@given(text=st.text(alphabet=st.sampled_from("ab:- []{}#&*!|>'\"%@`?,\n\t1e._<=~"), max_size=60))
def test_no_text_raises_anything_else(text: str) -> None:
    try:
        found = documents(text)
    except YamlError:
        return
    assert all(document.value is not None for document in found)
