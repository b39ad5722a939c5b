"""Worlds of a test's own on the installed product, for jobs that nobody else's worlds get, with faults to try on them.

Their agents write down what is rendered and what is stored, tile by tile.
"""

import json
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from cluster_harness import builder, images, project, wait
from cluster_harness.errors import CommandError
from cluster_harness.kubectl import Kubectl
from support.joined_ledger import JoinedLedger
from support.product import Product
from support.product_worlds import find, small_world

from fractal_api import GROUP, VERSION
from fractal_api.storage import Keys
from fractal_operator.core import names, paths

PROVEN: Final = "docker.io/clusteredfractals/kernel:proven"
DOCKERFILE: Final = Path(__file__).parent / "proven.Dockerfile"
LEDGER: Final = "/tmp/ledger"
LAB: Final = "clusteredfractals.test/lab"
WORLD: Final = "clusteredfractals.test/world"

TILES: Final = 96
"""Tiles of the jobs here, unless they say otherwise."""

LONG: Final = 144
"""Samples a pixel with which such a job takes some seconds."""

SETTLED_S: Final = 60.0
Object = dict[str, Any]

_RUNS: Final = """
import urllib.request
token = open("/etc/fractal/token").read().strip()
asked = urllib.request.Request("http://127.0.0.1:8000/runs", headers={"Authorization": f"Bearer {token}"})
print(urllib.request.urlopen(asked, timeout=5).read().decode())
"""

_KILL_RANKS: Final = """
import os, signal, sys, time
end, killed = time.monotonic() + float(sys.argv[1]), 0
while time.monotonic() < end:
    for name in filter(str.isdecimal, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/cmdline", "rb") as file:
                words = file.read().split(b"\\0")
            if b"fractal_kernel.world" in words and words[0].endswith(b"python"):
                os.kill(int(name), signal.SIGKILL)
                killed += 1
                if len(sys.argv) > 2 and killed == int(sys.argv[2]):
                    sys.exit()
        except OSError:
            pass
    time.sleep(0.02)
"""


def prove_image(product: Product) -> None:
    """Have the image with the ledger on every node."""
    kernel = project.image("kernel")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "Dockerfile"
        file.write_text(DOCKERFILE.read_text().replace("docker.io/clusteredfractals/kernel:0.1.0", kernel))
        builder.build(file, PROVEN, Path(folder))
    images.load(product.cluster.layout, [PROVEN])


class Lab:
    """Worlds by short names, and who may use them."""

    def __init__(self, product: Product) -> None:
        self.product = product
        self.id = f"h-{secrets.token_hex(3)}"
        self._worlds: set[str] = set()
        self.picture = ""

    # ---- worlds ----------------------------------------------------------------------------------------------------

    def world(self, short: str, *, warm: bool = True, **spec: object) -> str:
        """The name of the world that is called so in this laboratory; made if it isn't there."""
        name = f"{self.id}-{short}"
        if name not in self._worlds:
            body = small_world(name, image=PROVEN, allowedNamespaces={"matchLabels": {LAB: self.id}}, **spec)
            body["metadata"]["labels"] = {LAB: self.id, WORLD: name}
            self.product.home.apply(body)
            self._worlds.add(name)
        if warm:
            self.product.await_warm(name)
        return name

    def change(self, name: str, **spec: object) -> None:
        """Patch a world's spec."""
        patch = json.dumps({"spec": spec})
        self.product.home("patch", "fractalnamespace", name, "--type=merge", f"--patch={patch}")

    def namespace(self, name: str) -> Object:
        """The FractalNamespace, as the API server has it."""
        return self.product.cluster.api.get(f"{paths.WORLDS}/{name}")

    def state(self, name: str, kind: str) -> Object:
        """A condition of the world's; empty while it has none."""
        listed = self.namespace(name).get("status", {}).get("conditions") or []
        return next((each for each in listed if each["type"] == kind), {})

    def job_on(self, name: str) -> str | None:
        """The job that the world has, as people are told."""
        found: str | None = self.namespace(name).get("status", {}).get("currentJob")
        return found

    def settle(self) -> None:
        """Return once no world has a job: what a test left ends with its namespace."""
        wait.until(
            lambda: all(self.job_on(name) is None for name in self._worlds),
            what="all worlds to be free",
            timeout_s=SETTLED_S,
        )

    def drop(self, name: str) -> None:
        """Delete a world, without waiting for its end."""
        self._worlds.discard(name)
        self.product.home("delete", "fractalnamespace", name, "--ignore-not-found", "--wait=false")

    def close(self) -> None:
        """Delete all worlds, without waiting for their end."""
        for name in tuple(self._worlds):
            self.change(name, drainTimeoutSeconds=0)
            self.drop(name)

    # ---- who uses them ---------------------------------------------------------------------------------------------

    def admit(self, kubectl: Kubectl) -> "Client":
        """Let a client namespace use the worlds."""
        kubectl("label", "namespace", kubectl.namespace, f"{LAB}={self.id}", "--overwrite")
        return Client(self, kubectl)

    # ---- what there is to see in a world ---------------------------------------------------------------------------

    def inside(self, name: str) -> Kubectl:
        """kubectl in the world's namespace."""
        return Kubectl(self.product.cluster, name)

    def runs(self, name: str) -> dict[str, Object]:
        """The agent's runs by id, as it tells of them."""
        told = json.loads(self.inside(name).exec(names.MASTER, "python3", "-c", _RUNS))
        return {run["id"]: run for run in told["runs"]}

    def ledger(self, name: str) -> JoinedLedger:
        """What the pod's agents have written down so far."""
        text = self.inside(name).exec(names.MASTER, "sh", "-c", f"cat {LEDGER} 2>/dev/null || true")
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "ledger"
            file.write_text(text)
            return JoinedLedger(file)

    def forget_ledger(self, name: str) -> None:
        """Begin a new page."""
        self.inside(name).exec(names.MASTER, "sh", "-c", f": > {LEDGER}")

    def kill_ranks(self, name: str, *, for_s: float, times: int | None = None) -> None:
        """Kill the world's ranks as soon as they are there, for so long, or so many of them."""
        limit = [] if times is None else [str(times)]
        command = ("python3", "-c", _KILL_RANKS, f"{for_s:g}", *limit)
        self.inside(name).exec(names.MASTER, *command, timeout_s=for_s + 30)

    def kill_container(self, name: str) -> None:
        """Kill every process of the master pod but the first, which ends by that; the kubelet starts it anew."""
        try:
            self.inside(name).exec(names.MASTER, "python3", "-c", "import os; os.kill(-1, 9)")
        except CommandError as error:
            if "137" not in str(error) and "closed" not in str(error):  # the container may end before we hear of it
                raise

    # ---- what there is to see in the store -------------------------------------------------------------------------

    def store(self, user: str, *command: str) -> str:
        """What Redis answers to one of its users."""
        secret = self.product.home("get", "secret", names.STORE_SECRET, f"--output=jsonpath={{.data.{user}-password}}")
        script = 'exec redis-cli --no-auth-warning --user "$0" --pass "$(echo "$1" | base64 -d)" "${@:2}"'
        return self.product.home.exec("redis-0", "bash", "-c", script, user, secret, *command)

    def keys(self, *uids: str) -> list[str]:
        """The keys of jobs in the store."""
        found = self.store("operator", "--scan", "--pattern", "fj:*").split()
        return sorted(key for key in found if any(f"{{{uid}}}" in key for uid in uids))

    def stored_tiles(self, uid: str) -> set[int]:
        """The tiles that the store has of a job."""
        told = self.store("world", "hkeys", Keys(install=names.INSTALL, uid=uid).tiles)
        return {int(word) for word in told.split() if word.isdecimal()}


class Client:
    """A client namespace that may use a laboratory's worlds."""

    def __init__(self, lab: Lab, kubectl: Kubectl) -> None:
        self.lab = lab
        self.kubectl = kubectl

    def submit(self, name: str, *worlds: str, samples: int = LONG, **execution: object) -> str:
        """The uid of a new job for these worlds, or for any of the laboratory; it takes some seconds."""
        selector: Object = {"matchLabels": {LAB: self.lab.id}}
        if worlds:
            selector["matchExpressions"] = [{"key": WORLD, "operator": "In", "values": list(worlds)}]
        return self.create(name, {"execution": {"worldSelector": selector, **execution}}, samples)

    def create(self, name: str, spec: Mapping[str, object], samples: int = LONG, **metadata: object) -> str:
        """The uid of a new job with that spec over the usual one."""
        usual: Object = {
            "fractal": {
                "center": {"re": "-0.743643887", "im": "0.131825904"},
                "zoom": "1500",
                "maxIterations": 2000,
            },
            "image": {"width": 1536, "height": 1024, "samples": samples, "blockSize": 128},
        }
        body = {
            "apiVersion": f"{GROUP}/{VERSION}",
            "kind": "FractalJob",
            "metadata": {"namespace": self.kubectl.namespace, "name": name, **metadata},
            "spec": {**usual, **spec},
        }
        made = self.lab.product.cluster.api.create(paths.jobs(self.kubectl.namespace), body)
        return str(made["metadata"]["uid"])

    def undisturbed(self, world: str) -> str:
        """The sum of the picture of such a job, when nothing happens to it."""
        if not self.lab.picture:
            self.submit("undisturbed", world)
            self.lab.picture = self.complete("undisturbed")["result"]["sha256"]
        return self.lab.picture

    def find(self, name: str) -> Object | None:
        """The job, or None when there is none."""
        return find(self.lab.product.cluster, f"{paths.jobs(self.kubectl.namespace)}/{name}")

    def status(self, name: str) -> Object:
        """The status of a job that is there."""
        job = self.find(name)
        assert job is not None, f"{name} is gone"
        status: Object = job.get("status") or {}
        return status

    def condition(self, name: str, kind: str) -> Object:
        """A condition of the job's; empty while it has none."""
        listed = self.status(name).get("conditions") or []
        return next((each for each in listed if each["type"] == kind), {})

    def edit(self, name: str, **execution: object) -> None:
        """Patch the job's spec.execution."""
        patch = json.dumps({"spec": {"execution": execution}})
        self.kubectl("patch", "fractaljob", name, "--type=merge", f"--patch={patch}")

    def delete(self, name: str) -> None:
        """Delete the job, and return when it is gone."""
        self.kubectl("delete", "fractaljob", name, "--timeout=15s")

    def until(self, name: str, kind: str, timeout_s: float = 90.0) -> Object:
        """The status once the condition is True; the test fails at once when the job ended otherwise."""

        def reached() -> bool:
            told = self.status(name).get("conditions") or []
            true = {each["type"] for each in told if each["status"] == "True"}
            if kind in true:
                return True
            assert not true & {"Complete", "Failed"}, f"{name} ended without being {kind}: {told}"
            return False

        wait.until(reached, what=f"{name} to be {kind}", timeout_s=timeout_s)
        return self.status(name)

    def until_tiles(self, name: str, count: int = 3, timeout_s: float = 60.0) -> set[int]:
        """Tiles of the job that the store has, once it has so many."""
        job = self.find(name)
        assert job is not None
        uid = job["metadata"]["uid"]
        wait.until(
            lambda: len(self.lab.stored_tiles(uid)) >= count, what=f"{count} tiles of {name}", timeout_s=timeout_s
        )
        return self.lab.stored_tiles(uid)

    def complete(self, name: str, timeout_s: float = 120.0) -> Object:
        """The status once the job is Complete."""
        return self.until(name, "Complete", timeout_s)


def measure(what: str, holds: Callable[[], bool], *, bound_s: float, slack: float = 3.0) -> float:
    """Seconds until it holds, printed beside its bound; the test fails after the bound, and as much again twice."""
    began = time.monotonic()
    wait.until(holds, what=what, timeout_s=slack * bound_s, pause_s=0.02)
    took_s = time.monotonic() - began
    print(f"\n{what}: {took_s:.2f} s (bound {bound_s:g} s)")
    return took_s


@contextmanager
def told(product: Product, **environment: str) -> Iterator[None]:
    """The operator with other settings, for a while; it is replaced before and after."""
    deployment = f"deployment/{names.OPERATOR}"
    _tell(product, deployment, [f"{name}={value}" for name, value in environment.items()])
    try:
        yield
    finally:
        _tell(product, deployment, [f"{name}-" for name in environment])


def _tell(product: Product, deployment: str, words: list[str]) -> None:
    product.home("set", "env", deployment, *words)
    product.home("rollout", "status", deployment, "--timeout=90s", timeout_s=100)
