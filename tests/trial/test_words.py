"""What `make run` says before, while and after."""

import io
from pathlib import Path
from typing import Any

import pytest
from cluster_harness.errors import CommandError
from cluster_harness.progress import Progress
from support.checkout import ROOT
from trial import announcement, cluster_picture, places, remains
from trial.announcement import Plan
from trial.local_picture import Rendering

FRESH = Plan(packages=("buildah", "runc"), kubernetes="v1.34.4", cache="/root/.cache", images=True)
WARM = Plan(packages=(), kubernetes=None, cache="/root/.cache", images=False)


def test_a_fresh_machine_is_told_of_packages_builds_and_places() -> None:
    words = announcement.announced(FRESH)
    for needed in ("buildah, runc", "v1.34.4", "8 minutes", "4 GB", "/var/lib/clusteredfractals", "16080", "make stop"):
        assert needed in words
    assert max(map(len, words.splitlines())) <= 120


def test_a_machine_that_has_all_is_told_of_nothing_to_install() -> None:
    words = announcement.announced(WARM)
    assert "Debian" not in words
    assert "Kubernetes v" not in words
    assert "images" not in words


def job(**status: object) -> dict[str, Any]:
    return {"metadata": {"name": "seahorse"}, "status": status}


def condition(kind: str, status: str, message: str = "") -> dict[str, str]:
    return {"type": kind, "status": status, "reason": "Because", "message": message}


@pytest.mark.parametrize(
    ("found", "words"),
    [
        pytest.param({"metadata": {}}, "not seen by the operator yet", id="new"),
        pytest.param(
            job(phase="Queued", conditions=[condition("Assigned", "False", "no world is ready")]),
            "Queued, no world is ready",
            id="waiting",
        ),
        pytest.param(
            job(
                phase="Running",
                assignedTo="ds-clmpi1",
                progress={"percent": 40, "tilesDone": 96, "tilesTotal": 240, "etaSeconds": 7},
            ),
            "Running, on ds-clmpi1, 40 %, 96 of 240 tiles, 7 s left",
            id="running",
        ),
    ],
)
def test_the_jobs_line_says_how_far_where_and_how_long(found: dict[str, Any], words: str) -> None:
    assert cluster_picture.state(found) == words


@pytest.mark.parametrize(
    ("conditions", "spent"),
    [
        pytest.param([], False, id="new"),
        pytest.param([condition("Complete", "True"), condition("ResultAvailable", "True")], False, id="complete"),
        pytest.param([condition("Complete", "True"), condition("ResultAvailable", "False")], True, id="result lost"),
        pytest.param([condition("Failed", "True")], True, id="failed"),
    ],
)
def test_a_job_is_made_anew_only_when_it_has_no_picture_and_never_will(
    conditions: list[dict[str, str]], spent: bool
) -> None:
    assert cluster_picture.is_spent(job(conditions=conditions)) is spent


def test_the_picture_of_this_machine_is_told_whole_and_between_the_stages(tmp_path: Path) -> None:
    out = io.StringIO()
    progress = Progress(3, out)
    progress.stage("control plane")
    command = ["sh", "-c", f'echo "drawn, sha256 of pixels {"a" * 64}"; : > "$2"', "render"]
    rendering = Rendering(command, tmp_path / "folder" / "here.png", progress.aside)
    assert rendering.result().pixels_sha256 == "a" * 64
    rendering.stop()
    assert out.getvalue().splitlines()[1].startswith("drawn, sha256")


def test_a_renderer_that_fails_is_quoted(tmp_path: Path) -> None:
    rendering = Rendering(["sh", "-c", "echo no memory >&2; exit 1"], tmp_path / "here.png", print)
    with pytest.raises(CommandError, match="could not be rendered here: no memory"):
        rendering.result()
    rendering.stop()


def test_what_stays_has_a_size_and_a_command_that_removes_it() -> None:
    entries = [
        remains.Remain(what="images", size=2_500_000_000, removal="rm -r /images"),
        remains.Remain(what="a picture", size=1_400_000, removal="rm seahorse.png"),
        remains.Remain(what="packages", size=None, removal="apt-get purge runc"),
    ]
    assert remains.table(iter(entries)).splitlines() == [
        "  images       2.5 GB  rm -r /images",
        "  a picture    1.4 MB  rm seahorse.png",
        "  packages             apt-get purge runc",
    ]


def test_the_names_are_those_of_the_example_and_the_product() -> None:
    from fractal_operator.core import names  # noqa: PLC0415 - the tool names it too, but must start without libraries

    assert f"name: {places.JOB}\n" in places.EXAMPLE.read_text()
    assert names.OPERATOR_NAMESPACE == places.NAMESPACE
    assert ROOT == places.ROOT
