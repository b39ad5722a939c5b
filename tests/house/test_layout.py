"""What the layout promises: nothing of it shadows the standard library or another test."""

import re
import subprocess
import sys

from support.checkout import ROOT, tracked_files


def test_python_started_at_the_root_finds_its_own_operator_module() -> None:
    """`-S` leaves out site-packages: an editable install would hide a package called operator."""
    found = subprocess.run(
        [sys.executable, "-S", "-c", "import operator; print(operator.itemgetter(1)('ab'))"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (found.returncode, found.stdout.strip()) == (0, "b"), found.stderr
    assert not (ROOT / "operator" / "__init__.py").exists()


def test_no_folder_of_tests_is_a_package() -> None:
    packages = [path for path in tracked_files() if path.parts[0] == "tests" and path.name == "__init__.py"]

    assert [path for path in packages if "cluster_harness" not in path.parts] == []


def test_every_page_links_only_to_files_that_are_there() -> None:
    broken = [
        f"{page}: {target}"
        for page in (path for path in tracked_files() if path.suffix == ".md")
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", (ROOT / page).read_text())
        if "://" not in target and not (ROOT / page.parent / target).exists()
    ]

    assert broken == []
