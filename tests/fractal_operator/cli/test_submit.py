"""`fractal submit`: what is sent, and what is refused before anything is sent."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from support.checkout import ROOT
from support.gateway_stage import Stage

Fractal = Callable[..., Any]

JOB = """\
apiVersion: clusteredfractals.dev/v1alpha1
kind: FractalJob
metadata: {name: NAME}
spec:
  fractal: {zoom: "2"}
"""


def write(name: str, *names: str, **more: str) -> str:
    text = "---\n".join(JOB.replace("NAME", each) for each in names)
    for old, new in more.items():
        text = text.replace(old, new)
    Path(name).write_text(text)
    return name


def posted(stage: Stage) -> list[dict[str, Any]]:
    return [body for path, body in stage.cluster.asked if path.endswith("/fractaljobs")]


def test_a_job_is_made_as_its_file_says(stage: Stage, fractal: Fractal) -> None:
    said = fractal("submit", str(ROOT / "examples/seahorse.yaml"))
    assert (said.code, said.err) == (0, "")
    assert said.out == "fractaljob/seahorse submitted to art\n"
    [sent] = posted(stage)
    assert sent["spec"]["image"]["width"] == 1280
    assert datetime.fromisoformat(sent["metadata"]["annotations"]["clusteredfractals.dev/arrival"]).tzinfo is not None


def test_several_files_and_several_jobs_of_one_file_are_made_in_order(stage: Stage, fractal: Fractal) -> None:
    said = fractal("submit", write("a.yaml", "one", "two"), write("b.yaml", "three"))
    assert said.code == 0
    assert [body["metadata"]["name"] for body in posted(stage)] == ["one", "two", "three"]


@pytest.mark.parametrize(
    ("metadata", "options", "namespace"),
    [
        ("{name: x}", [], "art"),
        ("{name: x}", ["-n", "lab"], "lab"),
        ("{name: x, namespace: lab}", [], "lab"),
        ("{name: x, namespace: lab}", ["--namespace", "lab"], "lab"),
    ],
)
def test_the_namespace_is_the_options_or_the_files_or_the_contexts(
    stage: Stage, fractal: Fractal, metadata: str, options: list[str], namespace: str
) -> None:
    file = write("a.yaml", "x", **{"{name: x}": metadata})
    assert fractal("submit", file, *options).out == f"fractaljob/x submitted to {namespace}\n"
    assert stage.cluster.job("x", namespace)


def test_a_name_can_be_made_up_by_the_server_or_given_here(stage: Stage, fractal: Fractal) -> None:
    file = write("a.yaml", "x", **{"{name: x}": "{generateName: sea-}"})
    assert fractal("submit", file).out == "fractaljob/sea-x7k2p submitted to art\n"
    assert fractal("submit", file, "--name", "mine").out == "fractaljob/mine submitted to art\n"
    assert "generateName" not in posted(stage)[-1]["metadata"]


def test_the_earlier_systems_command_line_becomes_a_job_that_remembers_it(stage: Stage, fractal: Fractal) -> None:
    said = fractal("submit", "--args", "-w 600 --height 400 --type 1 -od 'my file.png'")
    assert (said.code, said.out) == (0, "fractaljob/fractal-x7k2p submitted to art\n")
    [sent] = posted(stage)
    assert sent["spec"]["image"] == {"width": 600, "height": 400, "samples": 1, "sampling": "Legacy", "blockSize": 32}
    annotations = sent["metadata"]["annotations"]
    assert annotations["clusteredfractals.dev/args"] == "-w 600 --height 400 --type 1 -od 'my file.png'"
    assert annotations["clusteredfractals.dev/output-name"] == "my file.png"


def test_a_job_read_from_a_cluster_is_sent_without_its_status(stage: Stage, fractal: Fractal) -> None:
    Path("a.yaml").write_text(JOB.replace("NAME", "x") + "status: {phase: Complete}\n")
    assert fractal("submit", "a.yaml").code == 0
    assert "status" not in posted(stage)[0]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        pytest.param(["bad.yaml"], "bad.yaml:5: spec.fractal.zoom must be", id="a mistake, with its line"),
        pytest.param(["good.yaml", "bad.yaml"], "bad.yaml:5: ", id="a mistake in the second file"),
        pytest.param(["unquoted.yaml"], "without quotes: quote it", id="unquoted"),
        pytest.param(["nowhere.yaml"], "can't read nowhere.yaml: no such file or directory", id="no file"),
        pytest.param(["other.yaml"], "other.yaml: this is of the kind Pod; a FractalJob", id="another kind"),
        pytest.param(["two.yaml", "--name", "x"], "--name is for one job, and there are 2", id="one name for two"),
        pytest.param(["good.yaml", "--name", "Sea Horse"], "'Sea Horse' can't be the name", id="no name"),
        pytest.param(["good.yaml", "--args", "-w 5"], "files and --args can't both say", id="both"),
        pytest.param([], "a file is needed, or --args", id="nothing"),
        pytest.param(["--args", "--depth 5"], "--args: --depth is unknown", id="an unknown flag"),
        pytest.param(["--args", "'"], "--args: no closing quotation", id="an open quotation"),
        pytest.param(["placed.yaml", "-n", "art"], "is lab, and the command line says art", id="two places"),
        pytest.param(["good.yaml", "--wiat"], "no such option", id="an unknown option"),
    ],
)
def test_a_mistake_is_one_sentence_and_nothing_is_sent(
    stage: Stage, fractal: Fractal, arguments: list[str], sentence: str
) -> None:
    write("good.yaml", "good")
    write("two.yaml", "one", "two")
    write("bad.yaml", "bad", **{'zoom: "2"': 'zoom: "deep"'})
    write("unquoted.yaml", "bad", **{'"2"': "1e50"})
    write("other.yaml", "pod", FractalJob="Pod")
    write("placed.yaml", "x", **{"{name: x}": "{name: x, namespace: lab}"})
    said = fractal("submit", *arguments)
    assert said.code == 2
    assert said.out == ""
    assert sentence in said.err
    assert len(said.err.splitlines()) == 1
    assert stage.cluster.asked == []


def test_a_taken_name_is_told_with_its_remedy(stage: Stage, fractal: Fractal) -> None:
    stage.cluster.put("x")
    said = fractal("submit", write("a.yaml", "x"))
    assert said.code == 1
    assert (
        said.err
        == "fractal: FractalJob art/x is there already: give this one another --name, or delete that one first\n"
    )


def test_a_namespace_that_is_not_there_is_told_with_its_remedy(stage: Stage, fractal: Fractal) -> None:
    said = fractal("submit", write("a.yaml", "x"), "-n", "nowhere")
    assert (said.code, said.err) == (1, "fractal: there is no namespace nowhere: kubectl create namespace nowhere\n")
    assert stage.cluster.asked


def test_a_cluster_without_our_kinds_is_told_what_it_lacks(stage: Stage, fractal: Fractal) -> None:
    stage.cluster.installed = False
    said = fractal("submit", write("a.yaml", "x"))
    assert said.err == "fractal: FractalJobs are not known to this cluster: kubectl apply -k manifests/\n"


def test_a_cluster_in_trouble_is_away(stage: Stage, fractal: Fractal) -> None:
    stage.cluster.busy = True
    said = fractal("submit", write("a.yaml", "x"))
    assert said.code == 1
    assert said.err == (f"fractal: the API server at {stage.cluster.url} (context test) answers 503: etcd is away\n")
