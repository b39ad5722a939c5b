"""FractalJobs on the installed product: applied with kubectl, awaited, and looked at as a person would."""

import json
import os
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml
from cluster_harness.cluster import Cluster
from cluster_harness.kubectl import Kubectl
from support.checkout import ROOT
from support.product import Product
from support.terminal import START

from fractal_operator.core import names

EXAMPLES: Final = ROOT / "examples"
COMPLETE_S: Final = 120.0
PAUSE_S: Final = 0.1
OPERATOR_USER: Final = f"system:serviceaccount:{names.OPERATOR_NAMESPACE}:{names.OPERATOR}"
WRITES: Final = frozenset({"create", "update", "patch", "delete"})
Object = dict[str, Any]


def example(name: str = "seahorse", *, as_name: str | None = None, samples: int | None = None) -> Object:
    """A FractalJob of examples/, perhaps by another name, and with more samples, which is how long it takes."""
    found: Object = yaml.safe_load((EXAMPLES / f"{name}.yaml").read_text())
    found["metadata"]["name"] = as_name or name
    if samples is not None:
        found["spec"]["image"]["samples"] = samples
    return found


def lasting(as_name: str) -> Object:
    """A FractalJob that takes two ranks some ten seconds, so that something can happen meanwhile."""
    found = example(as_name=as_name, samples=256)
    found["spec"]["image"] |= {"width": 1920, "height": 1080}
    return found


class Jobs:
    """The FractalJobs of one namespace."""

    def __init__(self, kubectl: Kubectl) -> None:
        self.kubectl = kubectl

    def get(self, name: str) -> Object | None:
        """The job, or None when there is none."""
        printed = self.kubectl("get", "fractaljob", name, "--ignore-not-found", "--output=json")
        found: Object | None = json.loads(printed) if printed else None
        return found

    def await_condition(self, name: str, kind: str, timeout_s: float = COMPLETE_S) -> Object:
        """The job once the condition is True; the test fails at once when the job failed instead."""
        deadline = time.monotonic() + timeout_s
        while True:
            job = self.get(name)
            assert job is not None, f"{name} is gone"
            if holds(job, kind):
                return job
            ended = holds(job, "Failed") or holds(job, "Complete")
            assert not ended, f"{name} ended without being {kind}: {said(job)}"
            assert time.monotonic() < deadline, f"{name} is not {kind} after {timeout_s:g} s: {said(job)}"
            time.sleep(PAUSE_S)

    def complete(self, name: str, timeout_s: float = COMPLETE_S) -> Object:
        """The status of the job once it is Complete."""
        status: Object = self.await_condition(name, "Complete", timeout_s)["status"]
        return status

    def await_tiles(self, name: str, timeout_s: float = COMPLETE_S) -> Object:
        """The job once it is being rendered."""
        return self.await_condition(name, "Running", timeout_s)

    def events(self, name: str) -> Counter[str]:
        """How often each event was told of the job, by reason."""
        found = self.kubectl.get("events", f"--field-selector=involvedObject.name={name}")["items"]
        told: Counter[str] = Counter()
        for event in found:
            told[event["reason"]] += event.get("count") or 1
        return told


def holds(job: Object, kind: str) -> bool:
    """Whether the job's condition is True."""
    return any(each["type"] == kind and each["status"] == "True" for each in conditions(job))


def conditions(found: Object) -> list[Object]:
    """The conditions of any object of ours."""
    listed: list[Object] = found.get("status", {}).get("conditions") or []
    return listed


def said(found: Object) -> str:
    """What the object's conditions say, for a test's failure."""
    return "; ".join(
        f"{each['type']}={each['status']} {each.get('reason', '')} {each.get('message', '')}".strip()
        for each in conditions(found)
    )


def writes_of(cluster: Cluster, namespace: str, world: str) -> list[str]:
    """Every write that a namespace's jobs cost, as the audit log has them: verb, kind and who.

    All writes to FractalJobs and Events there, and since the first of them whatever else the operator wrote: in the
    namespace, in the world's, or to what belongs to no namespace, such as a FractalNamespace.
    """
    return [
        f"{entry['verb']} {_kind(entry)} by {entry['user']['username']} ({entry['responseStatus']['code']})"
        for entry in _written(cluster, namespace, world)
    ]


def _written(cluster: Cluster, namespace: str, world: str) -> Iterator[Mapping[str, Any]]:
    began = False
    with cluster.layout.audit_log.open(encoding="utf-8", errors="replace") as log:
        for line in log:
            if f'"namespace":"{namespace}"' not in line and not (began and OPERATOR_USER in line):
                continue
            entry = json.loads(line)
            about = entry.get("objectRef", {})
            if entry["verb"] not in WRITES or entry["stage"] != "ResponseComplete" or "dryRun=" in entry["requestURI"]:
                continue
            of_the_jobs = about.get("namespace") == namespace and about["resource"] in {"fractaljobs", "events"}
            of_the_operator = entry["user"]["username"] == OPERATOR_USER and about.get("namespace", world) == world
            began = began or of_the_jobs
            if of_the_jobs or (began and of_the_operator):
                yield entry


def _kind(entry: Mapping[str, Any]) -> str:
    about = entry["objectRef"]
    return f"{about['resource']}/{about['subresource']}" if "subresource" in about else str(about["resource"])


def log_lines(kubectl: Kubectl, *what: str) -> list[Object]:
    """The JSON objects that a process of ours logged; the test fails on a line that is none."""
    lines: list[Object] = []
    for line in kubectl("logs", *what, "--tail=-1").splitlines():
        entry = json.loads(line)
        assert isinstance(entry, dict), line
        lines.append(entry)
    return lines


def fetch_picture(installed: Product, namespace: str, name: str, folder: Path) -> Path:
    """The picture's file, as `fractal image` brings it through the gateway."""
    file = folder / f"{name}-fetched.png"
    done = subprocess.run(
        [*START, "image", name, f"--namespace={namespace}", f"--output={file}"],
        cwd=folder,
        env={**os.environ, "KUBECONFIG": str(installed.cluster.kubeconfig)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return file
