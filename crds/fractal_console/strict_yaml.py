"""YAML as the API server reads it, with the line of every field, and no silent surprises.

Stricter than PyYAML where that would hide a mistake: a key given twice is an error. Closer to Kubernetes where they
differ: `1e50` without quotes is a number, a date or `1:30` is a string. Merges are bounded: a few lines of them can ask
for more keys than there is memory.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import yaml
from yaml.constructor import ConstructorError

from fractal_api.errors import PermanentError

INT: Final = "tag:yaml.org,2002:int"
FLOAT: Final = "tag:yaml.org,2002:float"
TIMESTAMP: Final = "tag:yaml.org,2002:timestamp"
MERGE: Final = "tag:yaml.org,2002:merge"
NUMBERS: Final = frozenset({INT, FLOAT})
WHOLE: Final = re.compile(r"[-+]?(?:0b[01_]+|0x[0-9a-fA-F_]+|0[0-7_]*|[1-9][0-9_]*)\Z")
FRACTION: Final = re.compile(r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*|\.(?:inf|Inf|INF))\Z|\.(?:nan|NaN|NAN)\Z")
SCIENTIFIC: Final = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)[eE][-+]?[0-9]+\Z")

MAX_MERGED: Final = 10_000
"""Keys that the merges (`<<`) of a text may bring in all."""


class YamlError(PermanentError):
    """A text is no YAML, or YAML that means two things; `line` counts from 1, 0 when it isn't known."""

    def __init__(self, line: int, sentence: str) -> None:
        super().__init__(line, sentence)
        self.line = line
        self.sentence = sentence

    def __str__(self) -> str:
        return self.sentence


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader with the scalars of Kubernetes."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._merged = 0
        self._within_merge = 0

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Replace a mapping's merges by the keys that they bring; an error beyond MAX_MERGED of them."""
        self._within_merge += 1
        super().flatten_mapping(node)  # calls this for each mapping that it merges, before it copies its keys
        self._within_merge -= 1
        self._merged += len(node.value) if self._within_merge else 0
        if self._merged > MAX_MERGED:
            raise ConstructorError(None, None, f"merges bring more than {MAX_MERGED:,} keys", node.start_mark)

    def construct_number(self, node: yaml.ScalarNode) -> int | float:
        """The number of a scalar; an error with its line for one that Python can't read, such as 5,000 digits."""
        construct = self.construct_yaml_int if node.tag == INT else self.construct_yaml_float
        try:
            return construct(node)
        except (ValueError, OverflowError) as error:
            raise ConstructorError(None, None, "this number can't be read", node.start_mark) from error


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in NUMBERS | {TIMESTAMP}]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _tag, _pattern in ((INT, WHOLE), (FLOAT, FRACTION), (FLOAT, SCIENTIFIC)):
    _Loader.add_implicit_resolver(_tag, _pattern, list("-+.0123456789"))
for _tag in NUMBERS:
    _Loader.add_constructor(_tag, _Loader.construct_number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One document of a YAML text: its value, and its syntax for finding lines."""

    value: Any
    node: yaml.Node

    def line_of(self, path: str) -> int:
        """The line of the field at a dotted path, or of its nearest parent that is there."""
        node = self.node
        line = node.start_mark.line
        for name in path.split("."):
            found = _field(node, name)
            if found is None:
                break
            key, node = found
            line = key.start_mark.line
        return line + 1


def documents(text: str) -> list[Document]:
    """Every document of a YAML text that isn't empty; YamlError with its line on any mistake."""
    try:
        return list(_documents(_Loader(text)))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise YamlError(mark.line + 1 if mark else 0, f"this is not YAML: {error.problem or error.context}") from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise YamlError(line, f"the character {chr(error.character)!a} may not be in YAML") from error
    except RecursionError as error:
        raise YamlError(0, "this YAML is nested too deeply") from error


def _documents(loader: _Loader) -> Iterator[Document]:
    try:
        while loader.check_node() and (node := loader.get_node()) is not None:
            _refuse_repetitions(node)
            value = loader.construct_document(node)
            if value is not None:
                yield Document(value=value, node=node)
    except ValueError as error:  # PyYAML's constructor of a scalar such as 0x_ or 0b
        raise YamlError(0, f"this is not YAML: {error}") from error
    finally:
        loader.dispose()


def _refuse_repetitions(root: yaml.Node) -> None:
    """YamlError at the first key that a mapping has twice; an alias's target is looked at once."""
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            _refuse_repeated_key(node)
            waiting += [part for pair in node.value for part in pair]
        elif isinstance(node, yaml.SequenceNode):
            waiting += node.value


def _refuse_repeated_key(mapping: yaml.MappingNode) -> None:
    first_lines: dict[tuple[str, str], int] = {}
    for key, _ in mapping.value:
        if not isinstance(key, yaml.ScalarNode) or key.tag == MERGE:
            continue
        line = key.start_mark.line + 1
        first = first_lines.get((key.tag, key.value))
        if first is not None:
            raise YamlError(line, f"the key {key.value!r} is given twice, in line {first} and again here")
        first_lines[key.tag, key.value] = line


def _field(node: yaml.Node, name: str) -> tuple[yaml.Node, yaml.Node] | None:
    """The key and value nodes of a mapping's field, or of a sequence's item ("0", "1", …)."""
    if isinstance(node, yaml.MappingNode):
        return next(((key, value) for key, value in node.value if key.value == name), None)
    if isinstance(node, yaml.SequenceNode) and name.isdecimal() and int(name) < len(node.value):
        item = node.value[int(name)]
        return item, item
    return None
