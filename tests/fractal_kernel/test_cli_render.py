"""`fractal render` as a person uses it: where the picture goes, what is said, and what every mistake is told."""

import hashlib
import io
import json
import os
import re
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Final

import pytest
from PIL import Image
from support.terminal import START, Terminal, fractal

from fractal_kernel.cli.program import main
from fractal_kernel.escape.instructions import available

JOB: Final = """\
apiVersion: clusteredfractals.dev/v1alpha1
kind: FractalJob
metadata:
  name: tiny
spec:
  fractal:
    zoom: "0.4"
    maxIterations: 200
  image: {width: 90, height: 70}
"""
SOON_S: Final = 2.0
"""Ten times the promise, since the machine may be busy; far below what the endless picture takes."""
ENDLESS: Final = """\
apiVersion: clusteredfractals.dev/v1alpha1
kind: FractalJob
metadata: {name: endless}
spec:
  fractal:
    # Beside the neck at −3/4 a point at height y takes π/y iterations to escape.
    center: {re: "-0.75", im: "0.0000001"}
    zoom: "10000000"
    maxIterations: 2147483647
  image: {width: 1024, height: 1024}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with the jobs tiny.yaml and endless.yaml in it."""
    (tmp_path / "tiny.yaml").write_text(JOB)
    (tmp_path / "endless.yaml").write_text(ENDLESS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def results(folder: Path) -> set[str]:
    """The names of all files beside the jobs, hidden ones too."""
    return {path.name for path in folder.iterdir()} - {"tiny.yaml", "endless.yaml"}


def pixels_sha256(png: bytes) -> str:
    with Image.open(io.BytesIO(png)) as image:
        return hashlib.sha256(image.tobytes()).hexdigest()


def test_the_picture_is_called_like_its_job_and_the_last_line_tells_about_it(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["render", "tiny.yaml"]) == 0
    told = capsys.readouterr()
    sha256 = pixels_sha256((folder / "tiny.png").read_bytes())
    line = rf"tiny\.png  90×70, 200 iterations, \d+\.\d s, sha256 of pixels {sha256}\n"
    assert re.fullmatch(line, told.out)
    assert told.err == "", "without a terminal there is no bar"
    assert results(folder) == {"tiny.png"}


def test_a_picture_tells_from_which_spec_it_was_made(folder: Path) -> None:
    assert main(["render", "tiny.yaml"]) == 0
    with Image.open(folder / "tiny.png") as image:
        assert json.loads(image.info["FractalJob"])["fractal"]["maxIterations"] == 200
        assert image.info["Software"] == "ClusteredFractals (picture version 1)"


def test_a_job_comes_from_standard_input_and_goes_to_standard_output(folder: Path) -> None:
    ended = fractal("render", "-", "-o", "-", cwd=folder, stdin=JOB.encode())
    assert ended.returncode == 0
    assert f"sha256 of pixels {pixels_sha256(ended.stdout)}" in ended.stderr.decode()
    assert ended.stderr.startswith(b"standard output  90")
    assert results(folder) == set()


def test_a_seed_command_line_renders_into_the_file_that_it_names(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = "--width 60 -h 40 --zoom 0.5 -t 1 --color_mode '4' -od /somewhere/else/picture.png"
    assert main(["render", "--args", line]) == 0
    assert capsys.readouterr().out.startswith("picture.png  60×40, 128 iterations, ")
    assert results(folder) == {"picture.png"}


def test_a_seed_command_line_that_names_no_file_gives_fractal_png(folder: Path) -> None:
    assert main(["render", "--args", "-w 8 -h 8"]) == 0
    assert results(folder) == {"fractal.png"}


def test_an_existing_picture_is_replaced_and_a_link_followed(folder: Path) -> None:
    (folder / "real").mkdir()
    target = folder / "real" / "there.png"
    target.write_bytes(b"before")
    (folder / "link.png").symlink_to(target)
    assert main(["render", "tiny.yaml", "-o", "link.png"]) == 0
    assert (folder / "link.png").is_symlink()
    assert target.read_bytes().startswith(b"\x89PNG")
    assert [path.name for path in (folder / "real").iterdir()] == ["there.png"]


def test_a_new_picture_has_the_permissions_that_the_umask_leaves(folder: Path) -> None:
    before = os.umask(0o027)
    try:
        assert main(["render", "tiny.yaml"]) == 0
    finally:
        os.umask(before)
    assert (folder / "tiny.png").stat().st_mode & 0o777 == 0o640


def test_automatic_iterations_are_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "auto.yaml").write_text(JOB.replace("maxIterations: 200", "maxIterations: auto"))
    assert main(["render", "auto.yaml"]) == 0
    assert ", 4,096 iterations, " in capsys.readouterr().out


def test_threads_do_not_show_in_a_picture(folder: Path) -> None:
    for threads in ("1", "3"):
        assert main(["render", "tiny.yaml", "--threads", threads, "-o", f"{threads}.png"]) == 0
    assert (folder / "1.png").read_bytes() == (folder / "3.png").read_bytes()


def test_without_an_fma_instruction_it_says_once_that_it_is_slow(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["render", "tiny.yaml"]) == 0
    fast = (folder / "tiny.png").read_bytes()
    monkeypatch.setenv("FRACTAL_INSTRUCTIONS", available()[0])
    assert main(["render", "tiny.yaml"]) == 0
    assert capsys.readouterr().err.count("take many times as long") == available()[0].calls_libm
    assert (folder / "tiny.png").read_bytes() == fast


def test_instructions_that_are_not_here_are_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FRACTAL_INSTRUCTIONS", "sse9")
    assert main(["render", "tiny.yaml"]) == 2
    told = capsys.readouterr().err
    assert re.fullmatch(r"fractal: FRACTAL_INSTRUCTIONS must be [a-z0-9 ]+ on this processor, not sse9\n", told)
    assert results(folder) == set()


MISTAKES: Final = [
    ("no such file", "render none.yaml", None, "can't read none.yaml: no such file or directory"),
    ("a folder", "render .", None, "can't read .: is a directory"),
    ("nothing", "render", None, "a file is needed, or --args"),
    ("both", "render tiny.yaml --args -w", None, "a file and --args can't both say what to render"),
    ("empty", "render x.yaml", "# nothing\n", "x.yaml: this file is empty; a FractalJob was expected"),
    ("not UTF-8", "render x.yaml", b"a: 1\nb: \xff\n", "x.yaml:2: this is not UTF-8 text"),
    ("not YAML", "render x.yaml", "a: [1,\n b: }", "x.yaml:2: this is not YAML: "),
    ("key twice", "render x.yaml", JOB + "kind: FractalJob\n", "x.yaml:10: the key 'kind' is given twice"),
    ("other kind", "render x.yaml", "kind: Pod", "x.yaml: this is of the kind Pod; a FractalJob (apiVersion "),
    ("a list", "render x.yaml", "[1]", "x.yaml: this is a list; a FractalJob "),
    ("a text", "render x.yaml", "hello", "x.yaml: this is a text; a FractalJob "),
    ("a number", "render x.yaml", "1", "x.yaml: this is a single value; a FractalJob "),
    ("no kind", "render x.yaml", "a: 1", "x.yaml: this is a mapping without a kind; a FractalJob "),
    ("two jobs", "render x.yaml", f"{JOB}---\n{JOB}", "x.yaml: there are 2 FractalJobs (in lines 1, 11)"),
    ("other kinds", "render x.yaml", "kind: A\n---\nkind: B", "x.yaml: none of the 2 documents is a FractalJob"),
    ("huge", "render x.yaml", "#" * (1 << 20) + "\n", "x.yaml: this file is larger than 1 MiB"),
    ("bad field", "render x.yaml", JOB + "  colour: {}\n", "x.yaml:10: spec.colour is unknown"),
    ("bad value", "render x.yaml", JOB.replace("90", "0"), "x.yaml:9: spec.image.width must be"),
    ("unquoted zoom", "render x.yaml", JOB.replace('"0.4"', "1e50"), "x.yaml:7: spec.fractal.zoom must be"),
    ("too deep", "render x.yaml", JOB.replace('"0.4"', '"1e40"'), "x.yaml:7: spec.fractal.zoom must be at most"),
    ("order overwritten", "render tiny.yaml -o ./tiny.yaml", None, "tiny.yaml is the order itself"),
    ("one file for two", "render tiny.yaml --counts tiny.png", None, "the picture and its counts can't be the same"),
    ("no threads", "render tiny.yaml --threads 0", None, "invalid value for '--threads': 0 is not in the range"),
    ("no such option", "render --show-it", None, "no such option '--show-it', did you mean '--show'; see"),
    ("several near", "render --bogus", None, "no such option '--bogus', did you mean one of: "),
    ("counts to nowhere", "render tiny.yaml --counts -", None, "--counts needs a file name"),
    ("empty output", "render tiny.yaml -o=", None, "-o needs a file name"),
    ("unknown flag of the seed", "render --args=--wdith=3", None, "--args: "),
    ("quote left open", "render --args='", None, "--args: no closing quotation"),
]


@pytest.mark.parametrize(
    ("line", "text", "sentence"), [mistake[1:] for mistake in MISTAKES], ids=[mistake[0] for mistake in MISTAKES]
)
def test_a_mistake_is_one_sentence_and_exit_code_2_and_nothing_else_happens(
    folder: Path, capsys: pytest.CaptureFixture[str], line: str, text: str | bytes | None, sentence: str
) -> None:
    if text is not None:
        (folder / "x.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    before = results(folder)
    assert main(line.replace("-o=", "-o ").split(" ")) == 2
    told = capsys.readouterr()
    assert told.err.startswith(f"fractal: {sentence}")
    assert told.err.count("\n") == 1
    assert told.out == ""
    assert results(folder) == before


def test_other_documents_beside_the_job_are_passed_over(folder: Path) -> None:
    (folder / "x.yaml").write_text(f"kind: Namespace\n---\n{JOB}---\n")
    assert main(["render", "x.yaml"]) == 0
    assert (folder / "tiny.png").is_file()


def test_a_job_without_a_name_gives_a_picture_called_like_its_file(folder: Path) -> None:
    (folder / "some.fractal.yaml").write_text(JOB.replace("name: tiny", "generateName: tiny-"))
    assert main(["render", "some.fractal.yaml"]) == 0
    assert (folder / "some.fractal.png").is_file()


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("none/x.png", "can't write none/x.png: there is no folder none"),
        (".", "can't write .: is a directory"),
        ("/dev/full", "can't write /dev/full: no space left on device"),
        ("tiny.yaml/x.png", "can't write tiny.yaml/x.png: not a directory"),
        (f"{'x' * 300}.png", f"can't write {'x' * 300}.png: file name too long"),
    ],
    ids=["no folder", "a folder", "full device", "below a file", "name too long"],
)
def test_what_cannot_be_written_is_one_sentence_and_exit_code_1(
    folder: Path, capsys: pytest.CaptureFixture[str], output: str, sentence: str
) -> None:
    assert main(["render", "tiny.yaml", "-o", output]) == 1
    assert capsys.readouterr().err == f"fractal: {sentence}\n"
    assert results(folder) == set()


def test_a_disk_that_fills_up_on_the_way_leaves_the_old_picture_and_nothing_else(folder: Path) -> None:
    (folder / "tiny.png").write_bytes(b"the old one")
    ended = subprocess.run(
        [*START, "render", "tiny.yaml"],
        cwd=folder,
        capture_output=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)),
    )
    assert ended.returncode == 1
    assert ended.stderr == b"fractal: can't write tiny.png: file too large\n"
    assert (folder / "tiny.png").read_bytes() == b"the old one"
    assert results(folder) == {"tiny.png"}


def test_a_reader_that_leaves_is_told_in_one_sentence(folder: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    ended = subprocess.run(
        [*START, "render", "tiny.yaml", "-o", "-"], cwd=folder, stdout=writer, stderr=subprocess.PIPE, check=False
    )
    os.close(writer)
    assert ended.returncode == 1
    assert ended.stderr == b"fractal: standard output: the reader went away before the picture was complete\n"


def test_a_pipe_with_a_name_is_written_and_stays_a_pipe(folder: Path) -> None:
    pipe = folder / "pipe.png"
    os.mkfifo(pipe)
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append(pipe.read_bytes()))
    reader.start()
    assert main(["render", "tiny.yaml", "-o", "pipe.png"]) == 0
    reader.join()
    assert pipe.is_fifo()
    assert received[0].startswith(b"\x89PNG")
    assert received[0].endswith(b"IEND\xaeB`\x82")


class TestTerminal:
    """What is seen when a person sits at a terminal."""

    def test_a_bar_shows_share_rate_and_time_left_while_it_renders(self, folder: Path) -> None:
        with Terminal(["render", "endless.yaml", "--threads", "2"], cwd=folder) as terminal:
            terminal.read_until(lambda screen: "rendering" in screen and "iterations/s" in screen)
            assert "endless.png" in terminal.screen
            assert re.search(r"\d+%", terminal.screen)
            os.killpg(terminal.process.pid, signal.SIGINT)
            assert terminal.read_to_the_end() == 130

    @pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
    def test_an_interruption_ends_it_at_once_without_a_trace(self, folder: Path, number: int, code: int) -> None:
        with Terminal(["render", "endless.yaml", "--counts", "endless.npy"], cwd=folder) as terminal:
            terminal.read_until(lambda screen: "rendering" in screen)
            assert len(results(folder)) == 2, "two files are under way"
            sent = time.monotonic()
            terminal.process.send_signal(number)
            assert terminal.read_to_the_end() == code
            assert time.monotonic() - sent < SOON_S
            assert "Traceback" not in terminal.screen
            assert results(folder) == set()

    def test_the_picture_is_drawn_at_the_terminals_width(self, folder: Path) -> None:
        (folder / "wide.yaml").write_text(JOB.replace("width: 90", "width: 160"))
        with Terminal(["render", "wide.yaml", "--show"], cwd=folder, environ={"COLORTERM": "truecolor"}) as terminal:
            assert terminal.read_to_the_end() == 0
            drawn = [line for line in terminal.screen.splitlines() if "▀" in line]
            assert [line.count("▀") for line in drawn] == [80] * 18
            assert "38;2;" in drawn[0]
            assert "tiny.png  160×70, 200 iterations, " in terminal.screen

    def test_a_terminal_of_256_colors_gets_no_others(self, folder: Path) -> None:
        with Terminal(["render", "tiny.yaml", "--show"], cwd=folder) as terminal:
            assert terminal.read_to_the_end() == 0
            assert "38;5;" in terminal.screen
            assert "38;2;" not in terminal.screen

    def test_show_draws_nothing_where_standard_output_is_no_terminal(self, folder: Path) -> None:
        ended = fractal("render", "tiny.yaml", "--show", cwd=folder)
        assert ended.returncode == 0
        assert "▀" not in ended.stdout.decode()
        assert ended.stdout.count(b"\n") == 1

    def test_a_terminal_is_not_filled_with_a_png(self, folder: Path) -> None:
        with Terminal(["render", "tiny.yaml", "-o", "-"], cwd=folder) as terminal:
            assert terminal.read_to_the_end() == 2
            assert "is a terminal here: redirect it" in terminal.screen

    def test_the_bar_does_not_touch_a_picture_on_standard_output(self, folder: Path) -> None:
        with (
            (folder / "out").open("wb") as out,
            Terminal(["render", "tiny.yaml", "-o", "-"], cwd=folder, stdout=out.fileno()) as terminal,
        ):
            assert terminal.read_to_the_end() == 0
        assert f"sha256 of pixels {pixels_sha256((folder / 'out').read_bytes())}" in terminal.screen


SCRIPT: Final = """
import sys
from pathlib import Path
from fractal_kernel.cli.program import main
code = main(sys.argv[1:])
[peak] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
print(peak.split()[1])
sys.exit(code)
"""


@pytest.mark.parametrize(("width", "height"), [(65_536, 1_024), (8_192, 8_192)], ids=["widest", "square"])
def test_the_largest_pictures_fit_into_300_mib(folder: Path, width: int, height: int) -> None:
    (folder / "large.yaml").write_text(
        JOB.replace("{width: 90, height: 70}", f"{{width: {width}, height: {height}}}")
        .replace("maxIterations: 200", "maxIterations: 8")
        .replace("name: tiny", "name: large")
    )
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT, "render", "large.yaml"], cwd=folder, capture_output=True, check=True, text=True
    )
    assert int(ended.stdout.splitlines()[-1]) <= 300 * 1024
    with Image.open(folder / "large.png") as image:
        assert image.size == (width, height)
