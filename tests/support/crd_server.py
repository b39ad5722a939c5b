"""What an API server says to objects of our kinds: accepted or refused, in which words."""

import http.client
import json
import ssl
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import yaml
from cluster_harness import wait
from support.checkout import ROOT

from fractal_api import GROUP, VERSION
from fractal_api.kinds import KINDS, Kind, Scope

Object = dict[str, Any]

NAMESPACE: Final = "default"
DRY: Final = {"dryRun": "All", "fieldValidation": "Strict"}
"""As `kubectl create --dry-run=server` asks: everything is checked and filled in, and nothing is stored."""

_DEFINITIONS: Final = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_APPLY: Final = "application/apply-patch+yaml"
_OWNER: Final = {"fieldManager": "tests", "force": "true"}
_TIMEOUT_S: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer: its HTTP status, and its object, which is a Status with a message where it is a refusal."""

    status: int
    body: Object

    @property
    def accepted(self) -> bool:
        return self.status < http.client.BAD_REQUEST

    @property
    def says(self) -> str:
        """Why the object was refused."""
        return "" if self.accepted else str(self.body["message"])


@dataclass(slots=True)
class Server:
    """An API server, asked over one connection in the name of a kubeconfig's user."""

    kubeconfig: Path
    _connection: http.client.HTTPSConnection | None = field(default=None, init=False)

    def install(self) -> None:
        """Apply the CRDs, and return once objects of their kinds are served."""
        for kind in KINDS:
            definition = yaml.safe_load((ROOT / "crds" / f"{kind.plural}.yaml").read_text(encoding="utf-8"))
            path = f"{_DEFINITIONS}/{definition['metadata']['name']}"
            answer = self.ask("PATCH", path, definition, kind=_APPLY, query=_OWNER)
            assert answer.accepted, answer.says
        for kind in KINDS:
            wait.until(partial(self._serves, kind), what=f"{kind.plural} being served", timeout_s=30)

    def create(self, kind: Kind, manifest: Object) -> Answer:
        """The answer to a new object, which is not stored."""
        return self.ask("POST", collection(kind), manifest, query=DRY)

    def store(self, kind: Kind, manifest: Object) -> Object:
        """The object, stored as it is written here and by nobody else."""
        answer = self.ask("POST", collection(kind), manifest, query={"fieldValidation": "Strict"})
        assert answer.accepted, answer.says
        return answer.body

    def replace(self, kind: Kind, manifest: Object) -> Answer:
        """The answer to an object in the place of the stored one of its name, which is not stored."""
        return self.ask("PUT", place(kind, manifest), manifest, query=DRY)

    def delete(self, kind: Kind, manifest: Object) -> None:
        """The end of the stored object."""
        self.ask("DELETE", place(kind, manifest))

    def ask(
        self,
        method: str,
        path: str,
        body: Object | None = None,
        *,
        kind: str = "application/json",
        query: dict[str, str] | None = None,
    ) -> Answer:
        """The answer to a request; `kind` is the type of its content."""
        sent = None if body is None else json.dumps(body)
        target = f"{path}?{urlencode(query)}" if query else path
        connection = self._connected()
        try:
            connection.request(method, target, sent, {"Accept": "application/json", "Content-Type": kind})
            response = connection.getresponse()
            return Answer(status=response.status, body=json.loads(response.read()))
        except (OSError, http.client.HTTPException):
            self.close()
            raise

    def close(self) -> None:
        """The end of the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _serves(self, kind: Kind) -> bool:
        # the first objects of a new kind are refused for a moment by some of the server's workers
        answer = self.create(kind, {"spec": None})
        return answer.status not in (http.client.NOT_FOUND, http.client.TOO_MANY_REQUESTS)

    def _connected(self) -> http.client.HTTPSConnection:
        if self._connection is None:
            config = json.loads(self.kubeconfig.read_text())
            cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
            context = ssl.create_default_context(cafile=cluster["certificate-authority"])
            context.load_cert_chain(user["client-certificate"], user["client-key"])
            at = urlsplit(cluster["server"])
            self._connection = http.client.HTTPSConnection(
                at.hostname or "", at.port or 443, context=context, timeout=_TIMEOUT_S
            )
        return self._connection


def collection(kind: Kind) -> str:
    """The path of all objects of a kind."""
    namespace = f"/namespaces/{NAMESPACE}" if kind.scope is Scope.NAMESPACED else ""
    return f"/apis/{GROUP}/{VERSION}{namespace}/{kind.plural}"


def place(kind: Kind, manifest: Object) -> str:
    """The path of one object."""
    return f"{collection(kind)}/{manifest['metadata']['name']}"
