"""Write what is made from the models: the CRDs beside this file, and the pages of docs/reference.

`python crds/generate.py` writes; with `--check` it only compares, and names what is stale.
"""

import argparse
import sys
from pathlib import Path
from typing import Any, Final

import yaml

from fractal_api.crd.definition import build_definition
from fractal_api.crd.reference import build_page
from fractal_api.kinds import KINDS

ROOT: Final = Path(__file__).parent.parent
HEADER: Final = "# Made from the models of crds/fractal_api by `make generate`: change those, not this.\n"


class _Dumper(yaml.SafeDumper):
    """YAML without aliases, its lists set in under their names."""

    def ignore_aliases(self, data: object) -> bool:
        """Always: a CRD that repeats itself is easier to read than one that refers."""
        del data
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Never without indentation, as people write lists."""
        del indentless
        super().increase_indent(flow, indentless=False)


def _represent_text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    """A text; in a block of its own where quotes would have to be doubled."""
    style = ">" if "'" in text and len(text) > 60 else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def generated() -> dict[str, str]:
    """The text of every generated file, by its path from the root of the project."""
    definitions = {f"crds/{kind.plural}.yaml": _yaml(build_definition(kind)) for kind in KINDS}
    return definitions | {f"docs/reference/{kind.singular}.md": build_page(kind) for kind in KINDS}


def main(argv: list[str] | None = None) -> int:
    """Write the files, or with --check compare them: 1 when one is stale."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; 1 when a file is not what it should be")
    parser.add_argument("--root", type=Path, default=ROOT, help="where the files are (the project's root)")
    options = parser.parse_args(argv)
    stale = [path for path, text in generated().items() if _content(options.root / path) != text]
    if options.check:
        for path in stale:
            sys.stderr.write(f"{path} is not what the models say: run `make generate`\n")
        return 1 if stale else 0
    for path in stale:
        target = options.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(generated()[path], encoding="utf-8")
        sys.stdout.write(f"{path} is new\n")
    return 0


def _content(file: Path) -> str | None:
    return file.read_text(encoding="utf-8") if file.exists() else None


def _yaml(manifest: dict[str, Any]) -> str:
    return HEADER + yaml.dump(manifest, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=116)


if __name__ == "__main__":
    sys.exit(main())
