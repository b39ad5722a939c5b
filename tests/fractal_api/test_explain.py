import pytest

from fractal_api.errors import SpecError
from fractal_api.explain import explain, main
from fractal_api.fields import fields_of
from fractal_api.picture import ColorPart, FractalPart, ImagePart


def test_a_field_is_explained_with_type_default_what_it_may_be_and_its_text() -> None:
    assert explain("spec.image.samples") == (
        "GROUP:    clusteredfractals.dev\n"
        "KIND:     FractalJob\n"
        "VERSION:  v1alpha1\n"
        "\n"
        "FIELD:    spec.image.samples <integer>\n"
        "DEFAULT:  1\n"
        "ALLOWED:  1, 4, 9, 16, 25, 36, 49, 64, 81, 100, 121, 144, 169, 196, 225 or 256\n"
        "\n"
        "DESCRIPTION:\n"
        "    Samples of a pixel, averaged: more of them give smoother edges, and take longer.\n"
    )


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("spec.fractal.zoom", 'DEFAULT:  "0.4"'),
        ("spec.fractal.zoom", "FIELD:    spec.fractal.zoom <string>"),
        ("spec.fractal.center", 'DEFAULT:  "-0.5"/"0"; "0"/"0" with type Julia'),
        ("spec.fractal.center.re", "FIELD:    spec.fractal.center.re <string> -required-"),
        ("spec.fractal.maxIterations", "FIELD:    spec.fractal.maxIterations <integer or string>"),
        ("spec.fractal.maxIterations", "DEFAULT:  auto; 128 with sampling Legacy"),
        ("spec.color.inside", 'DEFAULT:  "#000000"'),
        ("spec.color.palette", "ALLOWED:  ember, ocean or spectrum"),
        ("spec.color.colors", "FIELD:    spec.color.colors <[]string>"),
        ("spec.color", "    spec.color must have at most one of legacyMode, palette and colors"),
        ("spec.execution.suspend", "DEFAULT:  false"),
        ("spec.execution.worldSelector.matchExpressions.operator", "ALLOWED:  In, NotIn, Exists or DoesNotExist"),
        ("status.conditions.type", "FIELD:    status.conditions.type <string> -required-"),
        ("fractaljob.spec.image", "FIELD:    spec.image <Object>"),
        ("FractalJob.spec.image", "FIELD:    spec.image <Object>"),
        ("fj.spec.image", "  width <integer> (default 1024)"),
        ("image.width", "FIELD:    spec.image.width <integer>"),
        ("fractalnamespace.spec.nodes", "FIELD:    spec.nodes <integer>"),
        ("fns.nodes", "DEFAULT:  4"),
        ("fns", "KIND:     FractalNamespace"),
        ("fns.metadata.name", "RULES:"),
        ("", '      zoom <string> (default "0.4")'),
    ],
)
def test_a_path_leads_to_its_field(path: str, line: str) -> None:
    assert line in explain(path).splitlines()


def test_the_tree_shows_every_part_of_a_job() -> None:
    tree = explain()
    for part in (FractalPart, ImagePart, ColorPart):
        assert all(f" {name} <" in tree for name in fields_of(part))


def test_a_part_is_explained_with_the_text_of_each_field() -> None:
    text = explain("spec.image")
    assert all(f"  {name} <" in text for name in fields_of(ImagePart))
    assert "    Rows of pixels." in text


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        (
            "spec.image.widht",
            (
                "widht is unknown (did you mean width?): spec.image may have width, height, samples, sampling "
                "and blockSize"
            ),
        ),
        ("colour", "colour is unknown: a manifest may have apiVersion, kind, metadata, spec and status"),
        ("spec.image.width.more", "more is unknown: spec.image.width has no fields of its own"),
        ("spec.\x1b[31m", '"\\x1b[31m" is unknown: spec may have fractal, image, color and execution'),
    ],
)
def test_an_unknown_field_gets_one_sentence_and_exit_code_2(
    path: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SpecError) as caught:
        explain(path)
    assert str(caught.value) == sentence
    assert main([path]) == 2
    assert capsys.readouterr() == ("", f"fractal explain: {sentence}\n")


def test_the_command_prints_and_succeeds(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["spec.image.samples"]) == 0
    assert capsys.readouterr() == (explain("spec.image.samples"), "")
    assert main([]) == 0
    assert capsys.readouterr().out == explain()


@pytest.mark.parametrize(("argv", "code"), [(["--help"], 0), (["a", "b"], 2), (["--loud"], 2)])
def test_usage_ends_with_the_codes_of_every_command(
    argv: list[str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(argv) == code
    assert "usage: fractal explain" in "".join(capsys.readouterr())
