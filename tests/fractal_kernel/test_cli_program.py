"""The program `fractal`: its commands come from entry points, and its errors are sentences."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from support.terminal import START, fractal

from fractal_kernel.cli.program import main

BROKEN = '''
def crash(argv: list[str]) -> int:
    """Divide by zero."""
    return 1 // 0

def refuse(argv: list[str]) -> int:
    """Say what is wrong."""
    from fractal_api.errors import TemporaryError
    raise TemporaryError("the store is away")

def interrupt(argv: list[str]) -> int:
    """Be interrupted."""
    raise KeyboardInterrupt

def count(argv: list[str]) -> int:
    """Print many lines."""
    for number in range(100_000):
        print(number)
    return 0

def answer(argv: list[str]) -> int:
    """Give the number asked for."""
    return int(argv[0])
'''
ENTRY_POINTS = """
[fractal.commands]
crash = broken_commands:crash
refuse = broken_commands:refuse
interrupt = broken_commands:interrupt
count = broken_commands:count
answer = broken_commands:answer
heavy = heavy_commands:main
gone = no_such_package.commands:main
"""
HEAVY = '''
import no_such_library

def main(argv: list[str]) -> int:
    """Need a library that isn't here."""
    return 0
'''


@pytest.fixture(params=["buffered", "unbuffered"])
def buffering(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python's last flush is another place where writing fails, and a container's setting hides it."""
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    if request.param == "unbuffered":
        monkeypatch.setenv("PYTHONUNBUFFERED", "1")


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A distribution with commands of its own, as another package would bring them."""
    info = tmp_path / "broken-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    (tmp_path / "broken_commands.py").write_text(BROKEN)
    (tmp_path / "heavy_commands.py").write_text(HEAVY)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["help"]])
def test_help_names_every_command_with_its_first_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 0
    lines = [line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines() if line.startswith("  ")]
    assert ["render", "Render a FractalJob here, without a cluster."] in lines
    assert [name for name, _ in lines] == sorted(name for name, _ in lines)
    assert {"explain", "kernel-info", "render"} <= {name for name, _ in lines}
    assert not any("not available" in text for _, text in lines)


def test_help_imports_no_command(commands: Path) -> None:
    listed = fractal("--help", cwd=commands)
    assert listed.returncode == 0
    assert b"Need a library that isn't here." in listed.stdout
    assert b"gone         (not available in this installation)" in listed.stdout


def test_the_version_says_which_pictures_it_makes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("fractal 0.")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["rendr"], "fractal: there is no command 'rendr', did you mean 'render'; see fractal --help"),
        (["xyzzy"], "fractal: there is no command 'xyzzy'; see fractal --help"),
        (["--verbose"], "fractal: there is no option '--verbose' before a command; see fractal --help"),
        (["kernel-info", "--jsn"], "fractal: no such option '--jsn', did you mean '--json'; see fractal kernel-info"),
    ],
    ids=["misspelt", "unknown", "option first", "option of a command"],
)
def test_a_command_line_that_makes_no_sense_exits_with_2(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    told = capsys.readouterr()
    assert told.err.startswith(sentence)
    assert told.err.count("\n") == 1
    assert told.out == ""


@pytest.mark.parametrize(
    ("command", "code", "told"),
    [
        ("refuse", 1, b"fractal: the store is away\n"),
        ("interrupt", 130, b""),
        (
            "crash",
            1,
            (
                b"fractal: internal error: ZeroDivisionError: integer division or modulo by zero; "
                b"set FRACTAL_DEBUG=1 for the traceback\n"
            ),
        ),
        ("heavy", 1, b"fractal: fractal heavy needs the Python package no_such_library, which is not installed here\n"),
    ],
)
def test_what_a_command_raises_becomes_a_sentence_and_an_exit_code(
    commands: Path, command: str, code: int, told: bytes
) -> None:
    ended = fractal(command, cwd=commands)
    assert (ended.returncode, ended.stderr) == (code, told)


def test_a_traceback_is_there_for_who_asks(commands: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRACTAL_DEBUG", "1")
    assert b"Traceback (most recent call last)" in fractal("crash", cwd=commands).stderr


def test_a_commands_own_exit_code_is_the_programs(commands: Path) -> None:
    assert fractal("answer", "7", cwd=commands).returncode == 7


@pytest.mark.usefixtures("buffering")
def test_a_reader_that_leaves_early_gets_no_complaint(commands: Path) -> None:
    ended = subprocess.run(
        ["sh", "-c", f'"{sys.executable}" -m fractal_count | head -n 1'],
        cwd=commands_as_module(commands),
        capture_output=True,
        check=True,
    )
    assert ended.stdout == b"0\n"
    assert ended.stderr == b""


def commands_as_module(folder: Path) -> Path:
    """A module that starts the program with the command `count`, for a shell's pipe."""
    (folder / "fractal_count.py").write_text(
        'import sys\nfrom fractal_kernel.cli.program import main\nsys.exit(main(["count"]))\n'
    )
    return folder


def test_text_that_the_terminal_cannot_encode_is_no_error(commands: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    ended = fractal("rendr–", cwd=commands)
    assert ended.returncode == 2
    assert b"there is no command 'rendr?'" in ended.stderr


def shell(line: str, folder: Path) -> "subprocess.CompletedProcess[bytes]":
    """What became of a line in which `fractal` is the program."""
    line = line.replace("fractal ", f"{shlex.join(START)} ", 1)
    return subprocess.run(["sh", "-c", line], cwd=folder, capture_output=True, check=False)


@pytest.mark.usefixtures("buffering")
@pytest.mark.parametrize("words", ["explain spec", "--version"], ids=["more than a buffer", "less"])
def test_a_full_disk_behind_standard_output_is_one_sentence(tmp_path: Path, words: str) -> None:
    ended = shell(f"fractal {words} > /dev/full", tmp_path)
    assert (ended.returncode, ended.stderr) == (
        1,
        b"fractal: no space left on device\n",
    )


@pytest.mark.usefixtures("buffering")
def test_a_full_disk_behind_standard_error_changes_no_exit_code(tmp_path: Path) -> None:
    ended = shell("fractal nonsense 2> /dev/full", tmp_path)
    assert (ended.returncode, ended.stdout) == (2, b"")


@pytest.mark.usefixtures("buffering")
def test_a_full_disk_does_not_hide_what_went_wrong_before(tmp_path: Path) -> None:
    ended = shell("fractal explain nonsense > /dev/full", tmp_path)
    assert ended.returncode == 2
    assert ended.stderr.startswith(b"fractal: nonsense is unknown")


@pytest.mark.usefixtures("buffering")
@pytest.mark.parametrize("closing", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
def test_streams_that_the_caller_closed_are_no_error(tmp_path: Path, closing: str) -> None:
    ended = shell(f"fractal render --args '-w 4 -h 4' -o x.png {closing}", tmp_path)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")


def test_a_picture_cannot_go_to_a_standard_output_that_is_closed(tmp_path: Path) -> None:
    ended = shell("fractal render --args '-w 4 -h 4' -o - >&-", tmp_path)
    assert (ended.returncode, ended.stderr) == (
        2,
        b"fractal: -o - writes a PNG file to standard output, which is closed here\n",
    )
