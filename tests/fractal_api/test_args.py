from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.contract import job, json_values, legacy_specs

from fractal_api.args import args_from_spec, spec_from_args
from fractal_api.canonical import canonical_spec
from fractal_api.decimals import to_float
from fractal_api.errors import SpecError
from fractal_api.flags import OUTPUT_FLAGS, PICTURE_FLAGS
from fractal_api.jobs import FractalJobSpec
from fractal_api.manifests import parse_job
from fractal_api.picture import SAMPLES, FractalType, Sampling

SQUARES = "1, 4, 9, 16, 25, 36, 49, 64, 81, 100, 121, 144, 169, 196, 225 or 256"
COORDINATE = 'a decimal number from -1e308 to 1e308, such as "-0.75"'
ZOOM = 'a decimal number from 1e-300 to 1e16000, such as "1e50"'
KNOWN = (
    "--width, --height, --block_size, --samples, --zoom, --camera_x, --camera_y, --iterations, --type, --color_mode, "
    "--julia-cx, --julia-cy, --output_disk, --output, --output_network, --output_disabled and --quiet"
)


def spec_of(line: str) -> FractalJobSpec:
    return spec_from_args(line.split()).spec


def test_an_empty_command_line_is_the_earlier_system_s_default_picture() -> None:
    spec = spec_of("")
    assert spec.image.sampling is Sampling.LEGACY
    assert (spec.image.width, spec.image.height, spec.image.block_size, spec.image.samples) == (512, 512, 32, 1)
    assert (spec.fractal.type, spec.fractal.zoom, spec.max_iterations) == (FractalType.MANDELBROT, "1", 128)
    assert (spec.fractal.center.re, spec.fractal.center.im, spec.fractal.julia) == ("0", "0", None)
    assert spec.color.legacy_mode == 2


def test_long_and_short_flags_say_the_same() -> None:
    long = (
        "--width 3 --height 4 --block_size 5 --samples 9 --zoom 2 --camera_x -1 --camera_y -.5 --iterations 7 --type 1"
    )
    short = "-w 3 -h 4 -b 5 -s 9 -z 2 -cx -1 -cy -.5 -i 7 -t 1"
    assert spec_of(long) == spec_of(short)
    spec = spec_of(short)
    assert (spec.image.width, spec.image.height, spec.image.block_size, spec.image.samples) == (3, 4, 5, 9)
    assert (spec.fractal.center.re, spec.fractal.center.im, spec.max_iterations) == ("-1", "-.5", 7)


def test_julia_has_the_earlier_system_s_constant_when_none_is_given() -> None:
    julia = spec_of("-t 1").fractal.julia
    assert julia is not None
    assert (julia.re, julia.im) == ("-0.225", "-0.700")


def test_julia_s_constant_means_nothing_to_mandelbrot_but_must_be_a_number() -> None:
    assert spec_of("--julia-cx 5") == spec_of("")
    with pytest.raises(SpecError, match=r"^--julia-cx must be a decimal number"):
        spec_of("--julia-cx five")


def test_the_last_word_counts() -> None:
    assert spec_of("-w 3 --width 4") == spec_of("-w 4")


@pytest.mark.parametrize("text", ["600", "+600", "0600", "600.", "600.0"])
def test_a_whole_number_may_be_written_in_many_ways(text: str) -> None:
    assert spec_of(f"-w {text}").image.width == 600


def test_the_numbers_of_json_are_taken_for_their_text() -> None:
    given: list[Any] = ["-w", 600, "-cx", -0.75, "-z", 2]
    assert spec_from_args(given) == spec_from_args(["-w", "600", "-cx", "-0.75", "-z", "2"])


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("", None),
        ("--output_disk", None),
        ("-od -w 4", None),
        ("-od /data/pictures/seahorse.png", "seahorse.png"),
        ("--output_disk a.png -w 4", "a.png"),
        ("--output ../b.png", "b.png"),
        ("--output /", None),
        ("--output ..", None),
        ("--output a/.", "a"),
        ("--output a/..", None),
        ("--output a\x00b", None),
        (f"--output {'a' * 256}", None),
        ("--output_network", None),
        ("-on 10.0.0.1 -w 4", None),
        ("-on 10.0.0.1 5001 6e4b1f2a -w 4", None),
        ("--output_disabled --quiet", None),
        ("-od a.png --output b.png", "b.png"),
    ],
)
def test_where_the_picture_went_leaves_its_base_name_only(line: str, name: str | None) -> None:
    parsed = spec_from_args(line.split())
    assert parsed.output_name == name
    assert parsed.spec == spec_of("-w 4" if "-w 4" in line else "")


CASES = [
    ("--widht 3", "--widht", f"is unknown (did you mean --width?): the flags are {KNOWN}"),
    ("--width=3", "--width=3", f"is unknown (did you mean --width?): the flags are {KNOWN}"),
    ("512", "512", f"is unknown: the flags are {KNOWN}"),
    ("-od -x", "-x", f"is unknown (did you mean -cx?): the flags are {KNOWN}"),
    ("-on a b c d", "d", f"is unknown: the flags are {KNOWN}"),
    ("--quiet yes", "yes", f"is unknown: the flags are {KNOWN}"),
    ("-w", "-w", "must be followed by a whole number from 1 to 65536, not by the end"),
    ("-cx -cy 1", "-cx", f'must be followed by {COORDINATE}, not by "-cy"'),
    ("--output", "--output", "must be followed by a file, not by the end"),
    ("-t", "-t", "must be followed by 0 (Mandelbrot) or 1 (Julia), not by the end"),
    ("-w -1", "-w", 'must be a whole number from 1 to 65536, not "-1"'),
    ("-w 65537", "-w", 'must be a whole number from 1 to 65536, not "65537"'),
    ("--height 12.9", "--height", 'must be a whole number from 1 to 65536, not "12.9"'),
    ("-w 1e3", "-w", 'must be a whole number from 1 to 65536, not "1e3"'),
    ("-w 5px", "-w", 'must be a whole number from 1 to 65536, not "5px"'),
    ("-b 0", "-b", 'must be a whole number from 1 to 4096, not "0"'),
    ("-s 3", "-s", f"must be {SQUARES}, not the number 3"),
    ("-s auto", "-s", f'must be {SQUARES}, not "auto"'),
    ("-i 0", "-i", 'must be a whole number from 1 to 2147483647, not "0"'),
    ("-i auto", "-i", 'must be a whole number from 1 to 2147483647, not "auto"'),
    ("-t 99", "-t", "must be 0 (Mandelbrot) or 1 (Julia), not 99"),
    ("-t Julia", "-t", 'must be 0 (Mandelbrot) or 1 (Julia), not "Julia"'),
    ("--color_mode 9", "--color_mode", 'must be a whole number from 0 to 8, not "9"'),
    ("-z nan", "-z", f'must be {ZOOM}, not "nan"'),
    ("-z 0", "-z", f'must be {ZOOM}, not "0"'),
    ("--zoom -2", "--zoom", f'must be {ZOOM}, not "-2"'),
    ("-z 1e400", "-z", 'must be at most "1e308" with spec.image.sampling Legacy, but got zoom "1e400"'),
    ("-cx inf", "-cx", f'must be {COORDINATE}, not "inf"'),
    ("-cy 0x10", "-cy", f'must be {COORDINATE}, not "0x10"'),
    ("-t 1 --julia-cy 1e309", "--julia-cy", f'must be {COORDINATE}, not "1e309"'),
    ("-s 3 -b 0", "-b", 'must be a whole number from 1 to 4096, not "0"'),
    ("-s 3 -z 0", "-z", f'must be {ZOOM}, not "0" (and 1 more)'),
]


@pytest.mark.parametrize(("line", "flag", "rest"), CASES, ids=[line for line, _, _ in CASES])
def test_a_bad_flag_is_named_with_what_it_may_be_and_what_was_given(line: str, flag: str, rest: str) -> None:
    with pytest.raises(SpecError) as caught:
        spec_of(line)
    assert str(caught.value) == f"{flag} {rest}"
    assert caught.value.field == flag


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        ("--width 5", 'args must be a list of texts, not "--width 5"'),
        (None, "args must be a list of texts, not null"),
        ({"--width": "5"}, "args must be a list of texts, not an object"),
        (["--width", None], "args[1] must be a text, not null"),
        (["--width", True], "args[1] must be a text, not true"),
        ([["--width"]], "args[0] must be a text, not a list of 1 item"),
    ],
)
def test_what_is_no_command_line_is_refused(args: Any, sentence: str) -> None:  # noqa: ANN401 - anything
    with pytest.raises(SpecError) as caught:
        spec_from_args(args)
    assert str(caught.value) == sentence


flags = st.sampled_from([name for flag in (*PICTURE_FLAGS, *OUTPUT_FLAGS) for name in flag.names])


@given(args=st.one_of(json_values, st.lists(st.one_of(flags, st.text(max_size=5), json_values), max_size=8)))
def test_whatever_a_payload_says_only_a_spec_error_comes_of_it(args: Any) -> None:  # noqa: ANN401 - anything
    try:
        parsed = spec_from_args(args)
    except SpecError as error:
        complaint = error
    else:
        assert spec_from_args(args_from_spec(parsed.spec)).spec == parsed.spec
        return
    assert str(complaint).startswith(complaint.field)
    assert str(complaint).isprintable()


@st.composite
def command_lines(draw: st.DrawFn) -> list[str]:
    doubles = st.floats(-1e300, 1e300).map(repr)
    values = {
        "image.width": st.integers(1, 65_536),
        "image.height": st.integers(1, 65_536),
        "image.blockSize": st.integers(1, 4096),
        "image.samples": st.sampled_from(SAMPLES),
        "fractal.zoom": st.floats(1e-300, 1e300).map(repr),
        "fractal.maxIterations": st.integers(1, 2**31 - 1),
        "fractal.type": st.integers(0, 1),
        "color.legacyMode": st.integers(0, 8),
    }
    chosen = draw(st.lists(st.sampled_from(PICTURE_FLAGS), max_size=12))
    said = [(draw(st.sampled_from(flag.names)), str(draw(values.get(flag.path, doubles)))) for flag in chosen]
    return [word for pair in said for word in pair]


@given(args=command_lines())
def test_a_command_line_comes_back_as_the_same_picture(args: list[str]) -> None:
    spec = spec_from_args(args).spec
    written = args_from_spec(spec)
    assert spec_from_args(written).spec == spec
    assert args_from_spec(spec_from_args(written).spec) == written


@given(spec=legacy_specs)
def test_a_legacy_spec_comes_back_as_the_same_picture(spec: FractalJobSpec) -> None:
    again = spec_from_args(args_from_spec(spec)).spec
    assert canonical_spec(again) == canonical_spec(spec)
    assert (again.fractal.center, again.fractal.zoom, again.fractal.julia) == (
        spec.fractal.center,
        spec.fractal.zoom,
        spec.fractal.julia,
    )


@given(value=st.floats(-1e300, 1e300))
def test_a_double_is_the_same_double_after_the_journey(value: float) -> None:
    spec = spec_from_args(["-cx", f"{value:.17g}", "-cy", repr(value)]).spec
    assert to_float(spec.fractal.center.re) == to_float(spec.fractal.center.im) == value


def test_a_grid_picture_has_no_command_line() -> None:
    with pytest.raises(SpecError, match=r"^spec.image.sampling must be Legacy .* not Grid$"):
        args_from_spec(parse_job(job()).spec)


def test_the_load_script_s_picture_is_understood() -> None:
    line = "--width 600 --height 600 --block_size 64 --samples 1 --camera_x 0 --camera_y 0 --zoom 1.2 --type 1"
    spec = spec_of(f"{line} --color_mode 2")
    assert (spec.fractal.type, spec.fractal.zoom, spec.color.legacy_mode) == (FractalType.JULIA, "1.2", 2)
