"""The API server, for a command: objects as JSON values, a deadline on every call, and sentences for people."""

import json
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from fractal_operator.cli.kubeconfig import Choice, Connection, connect
from fractal_operator.cli.problems import ClusterAway, NoCluster, NotInstalled, Refused, Taken, Unknown
from fractal_operator.core.names import Object

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

TIMEOUT_S: Final = 10.0
CONNECT_S: Final = 5.0
WATCH_S: Final = 300
SLACK_S: Final = 30

NOT_INSTALLED: Final = "FractalJobs are not known to this cluster: kubectl apply -k manifests/"

_PATIENCE: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.REQUEST_TIMEOUT})

Timeout = float | tuple[float, float | None]


class Cluster:
    """The API server of a kubeconfig's context."""

    def __init__(self, choice: Choice) -> None:
        self.connection: Connection = connect(choice)
        self.namespace = choice.namespace or self.connection.namespace

    def get(self, path: str, **query: str) -> Object:
        """The object or list at `path`."""
        return self._whole("GET", path, query)

    def create(self, path: str, body: Object) -> Object:
        """The new object in the collection at `path`."""
        return self._whole("POST", path, {"fieldValidation": "Strict"}, body)

    def watch(self, path: str, **query: str) -> Iterator[Object]:
        """The events of a watch, until the server ends it."""
        query |= {"watch": "true", "timeoutSeconds": str(WATCH_S)}
        response = self._open("GET", path, query, timeout=(CONNECT_S, WATCH_S + SLACK_S))
        try:
            with _away(self):
                for line in response:
                    if line.strip():
                        yield _read(line)
        finally:
            response.close()

    @property
    def place(self) -> str:
        """The API server, for people."""
        return f"{self.connection.client.configuration.host} (context {self.connection.context})"

    def _whole(self, method: str, path: str, query: Mapping[str, str], body: Object | None = None) -> Object:
        response = self._open(method, path, query, body=body, timeout=TIMEOUT_S)
        with _away(self):
            data = response.read()
        try:
            answer: Object = json.loads(data)
        except ValueError as error:
            raise ClusterAway(f"what answers at {self.place} is no API server") from error
        return answer

    def _open(
        self, method: str, path: str, query: Mapping[str, str], *, body: Object | None = None, timeout: Timeout
    ) -> "BaseHTTPResponse":
        """The answer, when it is a success."""
        client = self.connection.client
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        request = client.param_serialize(
            method,
            path,
            query_params=list(query.items()),
            header_params=headers,
            body=body,
            auth_settings=["BearerToken"],
        )
        with _away(self):
            response = self._call(request, timeout)
            if response.status < HTTPStatus.BAD_REQUEST:
                return response
            data = response.read()
        raise self._refusal(response.status, data)

    def _call(self, request: tuple[Any, ...], timeout: Timeout) -> "BaseHTTPResponse":
        from urllib3.exceptions import HTTPError  # noqa: PLC0415 - it comes with kubernetes

        call: Callable[..., Any] = self.connection.client.call_api
        try:
            response: BaseHTTPResponse = call(*request, _request_timeout=timeout).response
        except ValueError as error:
            if isinstance(error, HTTPError):
                raise
            # A token of two lines, say, which stays unsaid here.
            raise NoCluster(f"the kubeconfig's token can't be sent to the API server at {self.place}") from None
        return response

    def _refusal(self, status: int, data: bytes) -> Exception:
        reason, message = _status_of(data)
        strange = not reason and status not in {HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND}  # a proxy's, say
        if strange or status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _PATIENCE:
            return ClusterAway(f"the API server at {self.place} answers {status}: {message}")
        match status, reason:
            case HTTPStatus.UNAUTHORIZED, _:
                return Refused(f"the API server at {self.place} doesn't know who you are: your login may have expired")
            case HTTPStatus.NOT_FOUND, "":
                return NotInstalled(NOT_INSTALLED)
            case HTTPStatus.NOT_FOUND, _:
                return Unknown(message)
            case HTTPStatus.CONFLICT, "AlreadyExists":
                return Taken(message)
        return Refused(message)


class _away:  # noqa: N801 - read as a verb: with _away(cluster)
    """Turns what sockets and urllib3 raise into a sentence about the cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        from kubernetes.client.exceptions import ApiException  # noqa: PLC0415 - it takes a while
        from urllib3.exceptions import HTTPError  # noqa: PLC0415 - it comes with kubernetes

        if isinstance(error, ApiException):  # no answer of a server, but TLS that didn't come about
            words = " ".join(str(error.reason).removeprefix("SSLError").split())
            raise NoCluster(
                f"there is no safe connection to the API server at {self._cluster.place}: {words}"
            ) from error
        if isinstance(error, HTTPError | OSError):
            raise ClusterAway(f"the API server at {self._cluster.place} doesn't answer: {_words(error)}") from error


def _read(line: bytes) -> Object:
    """An event of a watch."""
    try:
        event: Object = json.loads(line)
    except ValueError as error:
        raise ConnectionError("the watch broke off") from error
    return event


def _words(error: BaseException) -> str:
    """Why, without the objects that urllib3 names in front of it."""
    from urllib3 import exceptions  # noqa: PLC0415 - as above

    text = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, exceptions.NewConnectionError):  # a kind of TimeoutError, of all things
        return text.partition(": ")[2][:1].lower() + text.partition(": ")[2][1:]
    if isinstance(error, exceptions.TimeoutError | TimeoutError):
        return "nothing came in time"
    return text


def _status_of(data: bytes) -> tuple[str, str]:
    """Reason and message of a Status object; anything else is a message without a reason."""
    text = data.decode(errors="replace").strip()
    try:
        status: Any = json.loads(text)
    except ValueError:
        return "", text[:300]
    if not isinstance(status, dict):
        return "", text[:300]
    return str(status.get("reason") or ""), " ".join(str(status.get("message") or text).split())
