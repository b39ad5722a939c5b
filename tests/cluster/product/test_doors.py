"""The doors of the installed product: the commands through a kubeconfig alone, and the gateway before real tokens."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest
from cluster_harness.kubectl import Kubectl
from support.product import Product
from support.product_jobs import EXAMPLES, Jobs, example, lasting
from support.product_people import Person, administrator, let_forward, somebody
from support.terminal import Terminal
from trial.pixels import pixels_sha256

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

SEAHORSE: Final = str(EXAMPLES / "seahorse.yaml")


@pytest.fixture
def admin(installed: Product, kubectl: Kubectl, tmp_path: Path) -> Person:
    return administrator(installed, kubectl, tmp_path)


@pytest.fixture
def painter(installed: Product, kubectl: Kubectl, tmp_path: Path) -> Iterator[Person]:
    """Somebody with Kubernetes' own role `edit` in the test's namespace."""
    with somebody(installed, kubectl, tmp_path, role="edit") as person:
        yield person


def ask(installed: Product, path: str, token: str = "", **headers: str) -> httpx.Response:
    """What the gateway's Service answers, on the port that wants a token."""
    known = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx.get(f"{installed.cluster.gateway}{path}", headers={**known, **headers}, timeout=30)


def path_of(person: Person, name: str = "seahorse") -> str:
    return f"/v1/namespaces/{person.kubectl.namespace}/jobs/{name}"


def test_from_submit_to_the_picture_with_a_kubeconfig_alone(admin: Person) -> None:
    submitted = admin.fractal("submit", SEAHORSE)
    assert submitted.stderr == ""
    assert submitted.stdout == f"fractaljob/seahorse submitted to {admin.kubectl.namespace}\n"
    watched = admin.fractal("watch", "seahorse")
    assert watched.returncode == 0, watched.stderr
    assert watched.stdout.startswith("fractaljob/seahorse complete: 1280×720, 5,000 iterations, ")
    fetched = admin.fractal("image", "seahorse")
    assert fetched.returncode == 0, fetched.stderr

    picture = admin.kubeconfig.parent / "seahorse.png"
    job = admin.kubectl.get("fractaljob", "seahorse")
    result = job["status"]["result"]
    assert hashlib.sha256(picture.read_bytes()).hexdigest() == result["sha256"]
    assert pixels_sha256(picture) == result["pixelsSha256"]
    assert "clusteredfractals.dev/arrival" in job["metadata"]["annotations"]


def test_the_log_has_this_jobs_lines_and_no_others(admin: Person) -> None:
    assert admin.fractal("submit", "--wait", SEAHORSE).returncode == 0
    assert admin.fractal("submit", "--wait", SEAHORSE, "--name=other").returncode == 0
    told = admin.fractal("logs", "--json", "other")
    assert told.returncode == 0, told.stderr
    lines = [json.loads(line) for line in told.stdout.splitlines()]
    uid = admin.kubectl.get("fractaljob", "other")["metadata"]["uid"]
    assert {line["run"] for line in lines} == {f"{uid}-1"}
    assert [lines[0]["event"], lines[-1]["event"]] == ["started", "completed"]
    for_people = admin.fractal("logs", "other").stdout.splitlines()
    assert len(for_people) == len(lines)
    assert "[SUCCESS] attempt 1: complete: 1,280×720 pixels" in for_people[-1]


def test_a_followed_log_ends_with_its_job(admin: Person) -> None:
    admin.kubectl.apply(example(samples=16))
    told = admin.fractal("logs", "--follow", "seahorse")
    assert told.returncode == 0, told.stderr
    assert "[TASK] attempt 1: the world begins" in told.stdout.splitlines()[0]
    assert "[SUCCESS] attempt 1: complete" in told.stdout.splitlines()[-1]


def test_a_terminal_sees_how_far_the_job_is_and_then_the_picture(admin: Person) -> None:
    admin.kubectl.apply(lasting("seahorse"))
    environ = {"KUBECONFIG": str(admin.kubeconfig), "COLORTERM": "truecolor"}
    with Terminal(["watch", "--show", "seahorse"], cwd=admin.kubeconfig.parent, environ=environ) as terminal:
        assert terminal.read_to_the_end(120) == 0
        screen = terminal.screen
    assert f"{admin.kubectl.namespace}/seahorse" in screen
    assert "/510 tiles" in screen
    assert " left" in screen
    assert "fractaljob/seahorse complete: 1920×1080" in screen
    assert screen.count("▀") > 1000


def test_kubectl_knows_the_commands_as_its_own(installed: Product, admin: Person) -> None:
    """kubectl runs the program `kubectl-fractal` of PATH, which an installation of the package puts there."""
    programs = admin.kubeconfig.parent / "programs"
    programs.mkdir()
    plugin = programs / "kubectl-fractal"
    plugin.write_text(
        f"#!{sys.executable}\nimport sys\nfrom fractal_kernel.cli.program import main\nsys.exit(main())\n"
    )
    plugin.chmod(0o755)
    environment = {**admin.environment, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    kubectl = installed.cluster.kubectl()[:2]
    done = subprocess.run(
        [*kubectl, "fractal", "submit", SEAHORSE], env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout == f"fractaljob/seahorse submitted to {admin.kubectl.namespace}\n"


def test_a_port_forward_of_kubectl_needs_no_token_and_serves_localhost_only(installed: Product, admin: Person) -> None:
    assert admin.fractal("submit", "--wait", SEAHORSE).returncode == 0
    command = installed.cluster.kubectl(
        "port-forward", "--namespace=clusteredfractals", "deploy/fractal-gateway", ":8081"
    )
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as forwarding:
        try:
            assert forwarding.stdout is not None
            port = forwarding.stdout.readline().split(" ")[2].rpartition(":")[2]
            url = f"http://localhost:{port}{path_of(admin)}/image"
            assert httpx.get(url).headers["content-type"] == "image/png"
            assert httpx.get(url, headers={"Host": "evil.example"}).status_code == 403
        finally:
            forwarding.terminate()


def test_who_may_edit_jobs_may_submit_and_watch_and_is_told_what_lacks_for_a_picture(
    installed: Product, painter: Person
) -> None:
    submitted = painter.fractal("submit", "--wait", SEAHORSE)
    assert submitted.returncode == 0, submitted.stderr
    refused = painter.fractal("image", "seahorse")
    assert refused.returncode == 1
    assert refused.stderr == (
        "fractal: you may not look for the gateway in namespace clusteredfractals: "
        "ask who runs the platform for the Role fractal-port-forward there\n"
    )
    let_forward(installed, painter)
    fetched = painter.fractal("image", "seahorse")
    assert fetched.returncode == 0, fetched.stderr
    assert painter.fractal("logs", "seahorse").stdout.splitlines()


def test_a_token_opens_the_gateway_where_its_owner_may_read(installed: Product, painter: Person) -> None:
    assert painter.fractal("submit", "--wait", SEAHORSE).returncode == 0
    image = ask(installed, f"{path_of(painter)}/image", painter.token)
    result = painter.kubectl.get("fractaljob", "seahorse")["status"]["result"]
    assert image.status_code == 200
    assert hashlib.sha256(image.content).hexdigest() == result["sha256"]
    assert image.headers["etag"] == f'"{result["sha256"]}"'
    assert image.headers["content-length"] == str(result["bytes"])
    same = ask(installed, f"{path_of(painter)}/image", painter.token, **{"If-None-Match": image.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")
    job = ask(installed, path_of(painter), painter.token)
    assert job.json()["status"]["phase"] == "Complete"
    assert "managedFields" not in job.json()["metadata"]
    assert b"[SUCCESS]" in ask(installed, f"{path_of(painter)}/logs", painter.token).content
    assert ask(installed, path_of(painter, "nobody"), painter.token).status_code == 404


@pytest.mark.parametrize("rest", ["", "/image", "/logs"])
def test_without_a_good_token_or_a_right_the_gateway_shows_nothing(
    installed: Product, painter: Person, tmp_path: Path, rest: str
) -> None:
    painter.kubectl.apply(example())
    path = path_of(painter) + rest
    assert ask(installed, path).status_code == 401
    assert ask(installed, path, painter.token[:-4] + "AAAA").status_code == 401
    elsewhere = ask(installed, f"/v1/namespaces/clusteredfractals/jobs/seahorse{rest}", painter.token)
    assert elsewhere.status_code == 403
    assert elsewhere.json()["message"] == f"{painter.user} may not get fractaljobs in namespace clusteredfractals"
    folder = tmp_path / "stranger"
    folder.mkdir()
    with somebody(installed, painter.kubectl, folder, role=None) as stranger:
        assert ask(installed, path, stranger.token).status_code == 403


def test_a_suspended_jobs_picture_is_not_there_yet(installed: Product, painter: Person) -> None:
    job = example()
    job["spec"]["execution"] = {"suspend": True}
    painter.kubectl.apply(job)
    Jobs(painter.kubectl).await_condition("seahorse", "Suspended")
    answer = ask(installed, f"{path_of(painter)}/image", painter.token)
    assert answer.status_code == 202
    assert answer.json()["message"] == f"FractalJob {painter.kubectl.namespace}/seahorse is suspended"


def test_a_failed_job_says_why_at_every_door(installed: Product, painter: Person) -> None:
    job = example()
    job["spec"]["fractal"]["zoom"] = "1e50"
    painter.kubectl.apply(job)
    watched = painter.fractal("watch", "seahorse")
    assert watched.returncode == 1
    assert f"FractalJob {painter.kubectl.namespace}/seahorse failed: " in watched.stderr.splitlines()[-1]
    answer = ask(installed, f"{path_of(painter)}/image", painter.token)
    assert (answer.status_code, answer.json()["error"], answer.json()["reason"]) == (
        409,
        "JobFailed",
        "DepthNotSupported",
    )
    assert "zoom" in answer.json()["message"]


def test_mistakes_of_names_are_told_by_the_real_server_too(admin: Person) -> None:
    assert admin.fractal("submit", SEAHORSE).returncode == 0
    again = admin.fractal("submit", SEAHORSE)
    assert again.stderr.startswith(f"fractal: FractalJob {admin.kubectl.namespace}/seahorse is there already")
    nowhere = admin.fractal("submit", SEAHORSE, "--namespace=no-such-place")
    assert nowhere.stderr == "fractal: there is no namespace no-such-place: kubectl create namespace no-such-place\n"
    unknown = admin.fractal("watch", "seahrose")
    assert unknown.stderr.endswith(f"in namespace {admin.kubectl.namespace}, did you mean seahorse\n")


def test_the_gateways_log_names_jobs_and_holds_no_uid_and_no_token(installed: Product, painter: Person) -> None:
    assert painter.fractal("submit", "--wait", SEAHORSE).returncode == 0
    ask(installed, f"{path_of(painter)}/image", painter.token)
    uid = painter.kubectl.get("fractaljob", "seahorse")["metadata"]["uid"]
    log = installed.home("logs", "deployment/fractal-gateway", "--tail=-1")
    mine = [json.loads(line) for line in log.splitlines() if f'"{painter.kubectl.namespace}/seahorse"' in line]
    assert any("/image: 200, " in line["message"] for line in mine)
    assert uid not in log
    assert painter.token not in log
