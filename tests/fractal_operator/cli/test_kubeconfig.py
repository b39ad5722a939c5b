"""Where the cluster is: whatever is wrong with a kubeconfig is one sentence."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
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
        ("a word\n", "isn't built as a kubeconfig"),
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


@pytest.mark.parametrize(
    ("part", "content", "words"),
    [
        pytest.param(
            "user",
            {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "no-such-login"}},
            "can't be used: its login program failed: [Errno 2] No such file or directory: 'no-such-login'",
            id="a login program that isn't there",
        ),
        pytest.param(
            "user", {"token": "two\nlines"}, "token can't be sent to the API server at http", id="a token of two lines"
        ),
        pytest.param(
            "cluster",
            {"proxy-url": "socks5://127.0.0.1:9"},
            "can't be used: ",
            id="a SOCKS proxy without PySocks",
        ),
    ],
)
def test_what_is_wrong_in_a_kubeconfig_is_one_sentence(
    stage: Stage, fractal: Fractal, part: str, content: dict[str, Any], words: str
) -> None:
    file = Path(os.environ["KUBECONFIG"])
    whole = yaml.safe_load(file.read_text())
    whole[f"{part}s"][0][part] |= content
    file.write_text(yaml.safe_dump(whole))
    said = fractal("watch", "x")
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith("fractal: the kubeconfig")
    assert words in said.err
    assert "two\nlines" not in said.err
    assert len(said.err.splitlines()) == 1
    assert stage.cluster.asked == []


def test_a_server_with_which_there_is_no_tls_is_told(stage: Stage, fractal: Fractal, tmp_path: Path) -> None:
    stage.cluster.url = url = stage.cluster.url.replace("http://", "https://")
    said = fractal("watch", "x", "--kubeconfig", str(stage.cluster.kubeconfig(tmp_path)))
    assert said.code == 1
    assert said.err.startswith(f"fractal: there is no safe connection to the API server at {url} (context test): [SSL")
    assert len(said.err.splitlines()) == 1


@pytest.mark.parametrize("option", ["-n", "--operator-namespace"])
@pytest.mark.parametrize("name", ["Art", "a/../b", "a?watch=1", "x" * 64])
def test_what_cannot_be_a_namespace_is_told_before_the_cluster_is_asked(
    fractal: Fractal, option: str, name: str
) -> None:
    said = fractal("watch", "seahorse", option, name, "--kubeconfig", "/nowhere")
    assert said.code == 2
    assert f"{name!r} can't be the name of a namespace" in said.err
    assert said.err.startswith("fractal: --")


def test_an_empty_namespace_is_the_context_s_as_for_kubectl(stage: Stage, fractal: Fractal) -> None:
    stage.cluster.put("seahorse", status=running())
    assert "in namespace art" in fractal("watch", "other", "-n", "").err


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
