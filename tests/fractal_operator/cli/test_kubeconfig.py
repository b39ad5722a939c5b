"""Where the cluster is: whatever is wrong with a kubeconfig is one sentence."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.gateway_stage import Stage, running

Fractal = Callable[..., Any]


def test_without_a_kubeconfig_a_remedy_is_named(
    stage: Stage, fractal: Fractal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("KUBECONFIG")
    monkeypatch.setenv("HOME", str(tmp_path))
    said = fractal("watch", "x")
    assert (said.code, said.out) == (1, "")
    assert said.err == "fractal: there is no kubeconfig at ~/.kube/config; set KUBECONFIG, or use --kubeconfig\n"
    assert stage.cluster.asked == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "can't be used"),
        ("{", "can't be used"),
        ("- a\n", "can't be used"),
        ("kind: Config\n", "can't be used"),
        ("apiVersion: v1\nkind: Config\ncontexts: []\nclusters: []\nusers: []\ncurrent-context: x\n", "can't be used"),
    ],
)
def test_a_kubeconfig_that_is_none_is_named(stage: Stage, fractal: Fractal, text: str, words: str) -> None:
    Path("broken").write_text(text)
    said = fractal("watch", "x", "--kubeconfig", "broken")
    assert said.code == 1
    assert said.err.startswith("fractal: the kubeconfig broken ")
    assert words in said.err
    assert len(said.err.splitlines()) == 1
    assert stage.cluster.asked == []


def test_an_unknown_context_is_told_with_those_that_there_are(stage: Stage, fractal: Fractal) -> None:
    said = fractal("logs", "x", "--context", "moon")
    assert said.err == "fractal: the kubeconfig has no context 'moon'; it has test\n"
    assert stage.cluster.asked == []


def test_a_cluster_that_is_not_there_is_told_at_once(stage: Stage, fractal: Fractal, tmp_path: Path) -> None:
    stage.cluster.url = "http://127.0.0.1:9"
    said = fractal("watch", "x", "--kubeconfig", str(stage.cluster.kubeconfig(tmp_path)))
    assert said.code == 1
    assert said.err.startswith(
        "fractal: the API server at http://127.0.0.1:9 (context test) doesn't answer: failed to establish"
    )
    assert "refused" in said.err
    assert len(said.err.splitlines()) == 1


@pytest.mark.parametrize("name", ["fractaljob/seahorse", "fj/seahorse", "seahorse"])
def test_a_job_may_be_named_as_kubectl_names_it(gateway: Stage, fractal: Fractal, name: str) -> None:
    gateway.cluster.put("seahorse", status={"phase": "Pending"})
    assert fractal("logs", name).code == 0


@pytest.mark.parametrize("command", ["watch", "image", "logs"])
def test_an_unknown_job_is_told_with_the_nearest_name(stage: Stage, fractal: Fractal, command: str) -> None:
    stage.cluster.put("seahorse", status=running())
    stage.cluster.put("dragon", status=running())
    said = fractal(command, "seahrose")
    assert said.code == 1
    assert said.err == "fractal: there is no FractalJob seahrose in namespace art, did you mean seahorse\n"
    assert "did you mean" not in fractal(command, "zzz").err


@pytest.mark.parametrize("command", ["watch", "image", "logs"])
def test_what_cannot_be_a_name_is_told_before_the_cluster_is_asked(fractal: Fractal, command: str) -> None:
    said = fractal(command, "Sea_Horse", "--kubeconfig", "/nowhere")
    assert said.code == 2
    assert said.err.startswith("fractal: 'Sea_Horse' can't be the name of a FractalJob")
