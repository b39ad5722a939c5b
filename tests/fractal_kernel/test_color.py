"""Colours: the constant tables are exact, and the palettes are what they say."""

from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.grid_pictures import HEX_COLORS

from fractal_kernel.color import palettes, srgb, tables


def linear(byte: Fraction) -> np.float32:
    """The linear light of an sRGB value (IEC 61966-2-1), rounded once."""
    with localcontext(prec=50):
        value = Decimal(byte.numerator) / byte.denominator / 255
        if value <= Decimal("0.04045"):
            return np.float32(float(value / Decimal("12.92")))
        return np.float32(float(((value + Decimal("0.055")) / Decimal("1.055")) ** Decimal("2.4")))


def test_each_byte_has_its_linear_light() -> None:
    assert srgb.DECODE.tolist() == [linear(Fraction(byte)) for byte in range(256)]


def test_each_threshold_lies_half_way_between_two_bytes() -> None:
    assert srgb.THRESHOLDS.tolist() == [linear(Fraction(2 * byte - 1, 2)) for byte in range(1, 256)]


def test_every_byte_comes_back_from_its_linear_light() -> None:
    assert srgb.encode(srgb.DECODE).tolist() == list(range(256))


def test_a_value_on_a_threshold_belongs_to_the_byte_above() -> None:
    below = np.nextafter(srgb.THRESHOLDS, np.float32(0.0))
    assert srgb.encode(srgb.THRESHOLDS).tolist() == list(range(1, 256))
    assert srgb.encode(below).tolist() == list(range(255))


def test_the_shared_tables_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        srgb.DECODE[0] = 1.0


@pytest.mark.parametrize("bad", ["", "#12345", "#1234567", "123456", "#12345g", "red", "#123456\n"])
def test_a_colour_of_another_form_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="#rrggbb"):
        srgb.linear_light(bad)


@pytest.mark.parametrize("name", palettes.NAMES)
def test_a_palette_is_a_closed_loop_without_jumps(name: str) -> None:
    loop = palettes.oklab_loop(name)
    steps = np.linalg.norm(np.roll(loop, -1, axis=0) - loop, axis=1)
    assert steps.max() < 0.001


@pytest.mark.parametrize("name", palettes.NAMES)
def test_a_palette_has_4096_colours_that_a_screen_can_show(name: str) -> None:
    light = palettes.expand(name, ())
    assert light.shape == (4096, 3)
    assert light.dtype == np.float32
    unclipped = palettes.oklab_to_linear(palettes.oklab_loop(name))
    np.testing.assert_array_equal(light, unclipped.astype(np.float32))


@pytest.mark.parametrize("name", palettes.NAMES)
def test_a_palette_spans_dark_and_light(name: str) -> None:
    lightness = palettes.oklab_loop(name)[:, 0]
    assert lightness.max() - lightness.min() > 0.4


def oklab(light: np.ndarray) -> np.ndarray:
    """OKLab values of linear sRGB (Björn Ottosson, 2020), by the forward formulas."""
    to_cone = np.array(
        [
            [0.4122214708, 0.5363325363, 0.0514459929],
            [0.2119034982, 0.6806995451, 0.1073969566],
            [0.0883024619, 0.2817188376, 0.6299787005],
        ]
    )
    to_lab = np.array(
        [
            [0.2104542553, 0.7936177850, -0.0040720468],
            [1.9779984951, -2.4285922050, 0.4505937099],
            [0.0259040371, 0.7827717662, -0.8086757660],
        ]
    )
    return np.cbrt(light @ to_cone.T) @ to_lab.T


def test_spectrum_is_perceptually_uniform_all_the_way_round() -> None:
    entries = oklab(palettes.expand("spectrum", ()).astype(np.float64))
    ahead = np.roll(entries, -16, axis=0)
    differences = np.linalg.norm(ahead - entries, axis=1)
    assert differences.max() < 1.005 * differences.mean()
    assert differences.min() > 0.995 * differences.mean()


@given(st.lists(HEX_COLORS, min_size=1, max_size=12))
def test_colours_of_your_own_are_met_exactly(colors: list[str]) -> None:
    light = palettes.expand("", colors)
    for number, color in enumerate(colors):
        position = number * 4096
        if position % len(colors) == 0:
            assert (light[position // len(colors)] == srgb.linear_light(color)).all()


def test_two_colours_are_mixed_in_linear_light_and_lead_back() -> None:
    light = palettes.expand("", ["#000000", "#ffffff"])
    ramp = np.arange(2048, dtype=np.float32) / np.float32(2048)
    np.testing.assert_array_equal(light[:2048, 0], ramp)
    np.testing.assert_array_equal(light[2048:, 1], np.float32(1.0) - ramp)


def test_one_colour_fills_its_palette() -> None:
    assert (palettes.expand("", ["#804020"]) == srgb.linear_light("#804020")).all()


def test_the_names_are_those_of_the_contract() -> None:
    from fractal_api.picture import Palette  # noqa: PLC0415 - the only test here that needs pydantic

    assert sorted(palettes.NAMES) == sorted(Palette)


def test_the_tables_are_the_palette_and_the_inside_and_their_bytes() -> None:
    light, rgbx = tables.color_tables("ocean", (), "#0a1b2c")
    np.testing.assert_array_equal(light[:-1], palettes.expand("ocean", ()))
    np.testing.assert_array_equal(light[-1], srgb.linear_light("#0a1b2c"))
    np.testing.assert_array_equal(rgbx[:, :3], srgb.encode(light))
    assert rgbx[-1].tolist() == [0x0A, 0x1B, 0x2C, 0]


def test_pictures_of_the_same_colours_share_their_tables_and_others_do_not() -> None:
    own = tables.color_tables("", ("#102030", "#ffcc00"), "#000000")
    assert tables.color_tables("", ("#102030", "#ffcc00"), "#000000") is own
    assert (tables.color_tables("", ("#ffcc00", "#102030"), "#000000")[0] != own[0]).any()
    assert (tables.color_tables("", ("#102030", "#ffcc00"), "#ffffff")[0][-1] == 1.0).all()


def test_tables_that_pictures_share_cannot_be_changed() -> None:
    for table in tables.color_tables("ember", (), "#000000"):
        with pytest.raises(ValueError, match="read-only"):
            table[0] = 0
