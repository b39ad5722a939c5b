"""What a person is told at the end: where things answer, and what to try next."""

import shutil

from trial import places
from trial.target import Target


def words(found: Target) -> str:
    """The gateway's address, how to get a token for it, and what to try."""
    kubectl = "kubectl" if shutil.which("kubectl") or not found.own else ".venv/bin/python tests/cluster.py kubectl"
    down = ("make stop", "take all of it down") if found.own else ("make uninstall", "take all of it away")
    tries = (
        (".venv/bin/fractal submit examples/dragon.yaml", "another picture"),
        (".venv/bin/fractal watch dragon", "how far it is"),
        (".venv/bin/fractal image dragon", "dragon.png"),
        (f"{kubectl} get fractals --all-namespaces", "jobs and worlds"),
        (f"{kubectl} scale fns/{places.FIRST_WORLD} --replicas=1", "a smaller world"),
        down,
    )
    width = max(len(command) for command, _ in tries)
    gateway = found.gateway or "http://127.0.0.1:16080"
    forward = [] if found.own else [f"    {kubectl} -n {places.NAMESPACE} port-forward service/server 16080:80 &"]
    lines = [
        "",
        "Try next:",
        f"    export KUBECONFIG={found.kubeconfig}",
        *(f"    {command:{width}}  # {text}" for command, text in tries),
        "",
        f"The gateway answers at {gateway}, to who may read FractalJobs:",
        *forward,
        f"    {kubectl} create serviceaccount painter",
        f"    {kubectl} create rolebinding painter --clusterrole=view --serviceaccount={places.JOBS_NAMESPACE}:painter",
        f"    TOKEN=$({kubectl} create token painter)",
        f'    curl -H "Authorization: Bearer $TOKEN" {gateway}/v1/namespaces/{places.JOBS_NAMESPACE}/jobs/{places.JOB}',
    ]
    return "\n".join(lines)
