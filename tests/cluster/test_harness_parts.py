"""The harness's smaller parts, each alone and without a cluster."""

import asyncio
import io
import itertools
import json
import socket
import tarfile
import threading
from pathlib import Path
from typing import Any

import pytest
from cluster_harness import archive, binary, forward, lock, names, volumes, wait
from cluster_harness.choice import current_kubeconfig
from cluster_harness.errors import BusyError, ClusterError
from cluster_harness.labels import matches
from cluster_harness.layout import Layout, Record
from cluster_harness.progress import Progress


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_the_progress_line_says_which_stage_of_how_many_and_since_when() -> None:
    out, times = io.StringIO(), iter([0.0, 0.0, 0.0, 5.0, 20.0, 20.0, 135.0])
    progress = Progress(3, out, lambda: next(times))
    progress.stage("building")
    progress.detail("package 1")  # 5 s later: too soon for a log
    progress.detail("package 2")
    progress.done("built")
    assert out.getvalue().splitlines() == [
        "stage 1 of 3: building (0 s)",
        "stage 1 of 3: building: package 2 (20 s)",
        "built (2 min 15 s)",
    ]


def test_a_terminal_shows_one_line_a_stage() -> None:
    out, times = Terminal(), iter([0.0, 0.0, 0.0, 1.0, 1.0])
    progress = Progress(3, out, lambda: next(times))
    progress.stage("building")
    progress.detail("package 1")
    assert out.getvalue().endswith("\x1b[1A\x1b[2Kstage 1 of 3: building: package 1 (1 s)\n")


def test_what_is_said_aside_is_not_written_over() -> None:
    out, times = Terminal(), iter([0.0, 0.0, 0.0, 1.0, 1.0, 2.0, 2.0])
    progress = Progress(3, out, lambda: next(times))
    progress.stage("building")
    progress.aside("a picture")
    progress.detail("package 1")
    progress.detail("package 2")
    assert "a picture\nstage 1 of 3: building: package 1 (1 s)\n\x1b[1A" in out.getvalue()


def test_what_tells_nothing_of_itself_is_shown_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cluster_harness.progress.TICK_S", 0.001)
    out = Terminal()
    progress = Progress(1, out, itertools.count().__next__)
    progress.stage("packages")
    with progress.ticking("apt-get"):
        wait.until(lambda: "packages: apt-get" in out.getvalue(), what="a tick", timeout_s=5)
    assert "progress" not in {thread.name for thread in threading.enumerate()}


def test_the_same_module_has_the_same_fingerprint_and_a_changed_one_another(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "main.go").write_text("package main")
    (tmp_path / "two" / "notes.txt").write_text("not part of the build")
    same = binary.fingerprint(tmp_path / "one")
    assert binary.fingerprint(tmp_path / "two") == same
    (tmp_path / "two" / "main.go").write_text("package other")
    assert binary.fingerprint(tmp_path / "two") != same


def test_the_module_names_its_versions() -> None:
    assert binary.kubernetes_version().startswith("v1.34.")
    assert binary.go_version() >= (1, 25)


def test_all_of_kubernetes_is_of_one_release() -> None:
    release = binary.kubernetes_version().removeprefix("v1.")
    replaced = [line.split() for line in (binary.MODULE / "go.mod").read_text().splitlines() if " => k8s.io/" in line]
    assert {words[-1] for words in replaced} == {f"v0.{release}"}


def test_the_build_is_kept_outside_of_the_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    found = binary.find()
    assert found.folder.parent == tmp_path / "clusteredfractals" / "kubernetes"
    assert not found.built


def test_who_comes_second_is_told_who_is_first(tmp_path: Path) -> None:
    told = pytest.raises(BusyError, match=r"`up` .* is changing the cluster right now")
    with lock.held(tmp_path, "up"), told, lock.held(tmp_path, "down"):
        pytest.fail("two held the lock")
    with lock.held(tmp_path, "down"):
        pass


def test_a_record_is_read_as_it_was_written_and_a_torn_one_is_none(tmp_path: Path) -> None:
    record = Record(node_count=3, ports={"api": 1}, binary=Path("/b"))
    record.write(tmp_path)
    assert Record.read(tmp_path) == record
    (tmp_path / "cluster.json").write_text('{"nodes": 3')
    assert Record.read(tmp_path) is None
    Record.forget(tmp_path)
    assert Record.read(tmp_path) is None


@pytest.mark.parametrize("count", [0, 10])
def test_a_number_of_nodes_out_of_bounds_is_refused(count: int) -> None:
    with pytest.raises(ClusterError, match="must be between 1 and 9"):
        Layout(node_count=count)


def test_an_unknown_node_is_answered_with_those_that_are() -> None:
    with pytest.raises(ClusterError, match=r"no node 'node-7' .* there are node-1, node-2"):
        Layout(node_count=2).node("node-7")


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        pytest.param({"FRACTAL_CLUSTER": "other"}, "may be `current`", id="unknown word"),
        pytest.param({"FRACTAL_CLUSTER": "current"}, "KUBECONFIG to name one file; it is not set", id="no file"),
        pytest.param({"FRACTAL_CLUSTER": "current", "KUBECONFIG": "/none"}, "which is no file", id="missing file"),
    ],
)
def test_a_cluster_that_is_asked_for_wrongly_is_refused(environment: dict[str, str], words: str) -> None:
    with pytest.raises(ClusterError, match=words):
        current_kubeconfig(environment)


def test_the_current_cluster_is_that_of_kubeconfig_and_only_when_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.touch()
    assert current_kubeconfig({"FRACTAL_CLUSTER": "current", "KUBECONFIG": str(file)}) == file
    assert current_kubeconfig({"KUBECONFIG": str(file)}) is None


@pytest.mark.parametrize(
    ("selector", "taken"),
    [
        pytest.param({}, True, id="empty"),
        pytest.param({"matchLabels": {"a": "1"}}, True, id="equal"),
        pytest.param({"matchLabels": {"a": "1", "c": "1"}}, False, id="one of two"),
        pytest.param({"matchExpressions": [{"key": "a", "operator": "In", "values": ["1", "2"]}]}, True, id="in"),
        pytest.param({"matchExpressions": [{"key": "c", "operator": "In", "values": ["1"]}]}, False, id="in, absent"),
        pytest.param({"matchExpressions": [{"key": "c", "operator": "NotIn", "values": ["1"]}]}, True, id="not in"),
        pytest.param({"matchExpressions": [{"key": "a", "operator": "Exists"}]}, True, id="exists"),
        pytest.param({"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}, False, id="does not exist"),
    ],
)
def test_a_selector_takes_labels(selector: dict[str, Any], taken: bool) -> None:
    assert matches(selector, {"a": "1", "b": "2"}) is taken


def claim(**notes: str) -> dict[str, Any]:
    return {
        "metadata": {"uid": "u1", "namespace": "art", "name": "data", "annotations": notes},
        "spec": {"resources": {"requests": {"storage": "1Gi"}}, "accessModes": ["ReadWriteOnce"]},
    }


OURS = {volumes.CHOSEN_BY_CLASS: volumes.PROVISIONER, volumes.CHOSEN_NODE: "node-2"}


def test_a_claim_gets_a_folder_on_the_node_that_the_scheduler_chose() -> None:
    volume = volumes.wanted(claim(**OURS), "/volumes")
    assert volume is not None
    assert volume.path == "/volumes/pvc-u1"
    terms = volume.manifest["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
    assert terms[0]["matchExpressions"][0]["values"] == ["node-2"]
    assert volume.manifest["spec"]["claimRef"]["uid"] == "u1"


@pytest.mark.parametrize(
    "notes",
    [
        pytest.param({volumes.CHOSEN_BY_CLASS: volumes.PROVISIONER}, id="no pod wants it yet"),
        pytest.param({**OURS, volumes.CHOSEN_BY_CLASS: "other"}, id="another's"),
    ],
)
def test_a_claim_is_left_alone(notes: dict[str, str]) -> None:
    assert volumes.wanted(claim(**notes), "/volumes") is None


def test_only_a_released_volume_of_ours_is_given_back() -> None:
    def volume(owner: str, phase: str) -> dict[str, Any]:
        return {"metadata": {"annotations": {volumes.PROVISIONED_BY: owner}}, "status": {"phase": phase}}

    assert volumes.given_back(volume(volumes.PROVISIONER, "Released"))
    assert not volumes.given_back(volume(volumes.PROVISIONER, "Bound"))
    assert not volumes.given_back(volume("other", "Released"))


def test_an_image_names_its_own_contents(tmp_path: Path) -> None:
    file = tmp_path / "image.tar"
    archive.write(file, "localhost/one:1", {"bin/one": b"program"}, ["/bin/one"])
    with tarfile.open(file) as image:
        manifest = json.load(image.extractfile("manifest.json") or io.BytesIO())[0]
        config = json.load(image.extractfile(manifest["Config"]) or io.BytesIO())
        layer = image.extractfile(manifest["Layers"][0])
        assert layer is not None
        with tarfile.open(fileobj=io.BytesIO(layer.read())) as contents:
            assert contents.getnames() == ["bin/one"]
    assert manifest["RepoTags"] == ["localhost/one:1"]
    assert config["rootfs"]["diff_ids"] == [f"sha256:{manifest['Layers'][0].removesuffix('.tar')}"]


def test_the_same_files_make_the_same_image(tmp_path: Path) -> None:
    for name in ("one", "two"):
        archive.write(tmp_path / name, "localhost/x:1", {"a": b"1", "b": b"2"}, ["/a"])
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


ANSWER = names.HEADER.pack(7, 0x8180, 1, 1, 0, 0) + b"..." + bytes([10, 88, 1, 2])


@pytest.mark.parametrize(
    ("packet", "address"),
    [
        pytest.param(ANSWER, "10.88.1.2", id="an address"),
        pytest.param(names.HEADER.pack(8, 0x8180, 1, 1, 0, 0) + bytes(4), None, id="another question's"),
        pytest.param(names.HEADER.pack(7, 0x8183, 1, 0, 0, 0), None, id="no such name"),
        pytest.param(b"\0", None, id="too short"),
    ],
)
def test_a_name_servers_answer_is_read(packet: bytes, address: str | None) -> None:
    assert names.answer(packet, 7) == address


def test_a_question_spells_its_labels() -> None:
    assert names.question("a.bc.", 1)[names.HEADER.size :] == b"\1a\2bc\0\0\1\0\1"


async def test_a_silent_name_server_gives_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "TIMEOUT_S", 0.05)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        assert await names.resolve("a.b", silent.getsockname()) is None
    assert await names.resolve("10.1.2.3") == "10.1.2.3"


async def test_a_forwarded_connection_carries_both_ways_and_ends_with_its_far_side() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"<" + await reader.read() + b">")
        await writer.drain()
        writer.close()

    far = await asyncio.start_server(echo, "127.0.0.1", 0)
    listening = forward.listen(0)
    port = listening.getsockname()[1]
    pair = f"{listening.detach()}=127.0.0.1:{far.sockets[0].getsockname()[1]}"
    forwarding = asyncio.create_task(forward.main([pair]))
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    sent = b"x" * (3 << 20)  # more than all buffers between
    writer.write(sent)
    writer.write_eof()
    async with asyncio.timeout(10):
        assert await reader.read() == b"<" + sent + b">"
    writer.close()
    forwarding.cancel()
    far.close()


def test_a_taken_port_is_replaced_by_a_free_one() -> None:
    with forward.listen(0) as first:
        taken = first.getsockname()[1]
        with forward.listen(taken) as second:
            assert second.getsockname()[1] != taken
            assert second.getsockname()[0] == "127.0.0.1"
