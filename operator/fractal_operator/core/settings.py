"""What operator and gateway can be told by their environment: typed, described, and checked before anything starts.

docs/configuration.md is made from this module. The names of the earlier system are read as it read them.
"""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Final, Self
from urllib.parse import quote, urlsplit, urlunsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from fractal_api.errors import PermanentError
from fractal_operator.core import names

KERNEL_IMAGE: Final = "docker.io/clusteredfractals/kernel:0.1.0"
NO_FIRST_WORLD: Final = "none"

_STORES: Final = ("redis", "rediss", "unix")


class SettingsError(PermanentError):
    """A variable of the environment says what can't be; the message names it, and what to write."""


class LogLevel(StrEnum):
    """How much a process logs."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """How a line of the log looks."""

    JSON = "json"
    TEXT = "text"


class Settings(BaseModel):
    """What both processes are told. Aliases are the variables' names; descriptions end up in docs/configuration.md."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    namespace: str = Field(
        default=names.OPERATOR_NAMESPACE,
        alias="POD_NAMESPACE",
        pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
        max_length=63,
        description="The Kubernetes namespace of operator, gateway and store. The manifests fill it in.",
    )
    install: str = Field(
        default=names.INSTALL,
        alias="FRACTAL_INSTALL",
        pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
        max_length=63,
        description="The installation's name in the keys of the store: two installations can share one Redis.",
    )
    redis_host: str = Field(
        default="redis",
        alias="REDIS_HOST",
        pattern=r"^[A-Za-z0-9]([-.A-Za-z0-9]*[A-Za-z0-9])?$",
        description="The host of the Redis store. A name without a dot is a Service in POD_NAMESPACE.",
    )
    store: str | None = Field(
        default=None,
        alias="FRACTAL_STORE",
        repr=False,
        description="The address of the Redis store, instead of REDIS_HOST: redis://[USER:PASSWORD@]HOST[:PORT][/DB]."
        " With a user in it, nobody else is asked for one.",
    )
    store_password_file: Path | None = Field(
        default=None,
        alias="FRACTAL_STORE_PASSWORD_FILE",
        description="A file with the password of this process's user of the store. Without it the operator reads the"
        " Secret fractal-store; the manifests mount one for the gateway.",
    )
    log_level: LogLevel = Field(
        default=LogLevel.INFO, alias="FRACTAL_LOG_LEVEL", description="debug, info, warning or error."
    )
    log_format: LogFormat = Field(
        default=LogFormat.JSON, alias="FRACTAL_LOG_FORMAT", description="json (one object a line) or text."
    )

    @field_validator("log_level", "log_format", mode="before")
    @classmethod
    def _in_any_case(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @field_validator("store")
    @classmethod
    def _is_a_store(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(tuple(f"{scheme}://" for scheme in _STORES)):
            raise ValueError("should begin with redis://, rediss:// or unix://")
        if value is not None and not _has_parts(value):
            raise ValueError("should have a host and a port from 0 to 65535")
        return value

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """The settings; SettingsError names the variable that can't be. An empty variable counts as absent."""
        try:
            return cls.model_validate({name: value for name, value in environment.items() if value != ""})
        except ValidationError as error:
            raise SettingsError(_sentence(cls, error)) from None

    @property
    def store_address(self) -> str:
        """The address of the store, reachable from any namespace of the cluster; it may lack a user."""
        if self.store is not None:
            return self.store
        host = self.redis_host if "." in self.redis_host else f"{self.redis_host}.{self.namespace}.svc"
        return f"redis://{host}:6379/0"

    @property
    def store_names_user(self) -> bool:
        """Whether the store's address has a user of its own, so that nobody else's password is needed."""
        return "@" in urlsplit(self.store_address).netloc

    def store_address_as(self, user: str, password: str) -> str:
        """The address of the store with this user in it, unless it has one of its own."""
        if self.store_names_user:
            return self.store_address
        parts = urlsplit(self.store_address)
        return urlunsplit(parts._replace(netloc=f"{quote(user, safe='')}:{quote(password, safe='')}@{parts.netloc}"))


class OperatorSettings(Settings):
    """What `fractal-operator` is told."""

    pod_name: str | None = Field(
        default=None,
        alias="POD_NAME",
        description="How this replica calls itself in the Lease; the host's name without it. The manifests fill it in.",
    )
    world_image: str = Field(
        default=KERNEL_IMAGE,
        alias="MPI_IMAGE",
        max_length=1024,
        pattern=r"^[!-~]+$",
        description="The image of worlds whose FractalNamespace names none.",
    )
    first_world: str = Field(
        default="ds-clmpi1",
        alias="FRACTAL_FIRST_WORLD",
        pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
        max_length=63,
        description=f"The FractalNamespace that is made once, after the installation; {NO_FIRST_WORLD} makes none.",
    )
    first_world_nodes: int = Field(
        default=4, ge=0, le=1000, alias="NODE_COUNT", description="spec.nodes of the first FractalNamespace."
    )
    first_world_slots: int = Field(
        default=2, ge=1, le=256, alias="SLOTS_PER_NODE", description="spec.slotsPerNode of the first FractalNamespace."
    )
    scaling_threshold: float = Field(
        default=10.0,
        gt=0,
        alias="SCALING_THRESHOLD",
        description="Waiting jobs a world from which on another world is worth having: kept for pools; no effect yet.",
    )
    mpi_password: str | None = Field(
        default=None,
        alias="MPIPASS",
        repr=False,
        description="Accepted from the earlier system, and ignored with a warning: worlds have keys, no passwords.",
    )
    max_running: int = Field(
        default=0,
        ge=0,
        alias="FRACTAL_MAX_RUNNING",
        description="Jobs of one client namespace that may run at a time; 0 is no limit.",
    )
    progress_s: float = Field(
        default=5.0,
        ge=1,
        alias="FRACTAL_PROGRESS_SECONDS",
        description="Seconds at least between two writes of a job's progress.",
    )
    secrets_check_s: float = Field(
        default=60.0,
        ge=1,
        alias="FRACTAL_SECRETS_CHECK_SECONDS",
        description="Seconds between two looks at a world's Secret, which is never watched.",
    )
    sweep_s: float = Field(
        default=3600.0,
        ge=1,
        alias="FRACTAL_SWEEP_SECONDS",
        description="Seconds between two searches of the store for results whose FractalJob is gone.",
    )
    health_port: int = Field(
        default=8081, ge=1, le=65535, alias="FRACTAL_HEALTH_PORT", description="The port of probes and metrics."
    )

    @field_validator("first_world")
    @classmethod
    def _is_no_name_of_kubernetes(cls, value: str) -> str:
        if value.startswith("kube-"):
            raise ValueError("should not begin with kube-")
        return value

    def warnings(self) -> list[str]:
        """What a person should know of these settings, as sentences without any secret."""
        if self.mpi_password is None:
            return []
        return ["MPIPASS is set, and ignored: worlds have keys of their own; remove the variable"]


class GatewaySettings(Settings):
    """What `fractal-gateway` is told."""

    port: int = Field(
        default=8080,
        ge=1,
        le=65535,
        alias="FRACTAL_GATEWAY_PORT",
        description="The port that wants a bearer token with every request.",
    )
    local_port: int = Field(
        default=8081,
        ge=1,
        le=65535,
        alias="FRACTAL_GATEWAY_LOCAL_PORT",
        description="The port on the pod's loopback, for port-forwards: who may port-forward may read.",
    )
    metrics_port: int = Field(
        default=9090,
        ge=1,
        le=65535,
        alias="FRACTAL_GATEWAY_METRICS_PORT",
        description="The port of probes and metrics.",
    )


def _has_parts(address: str) -> bool:
    """Whether an address can be taken apart: a port of five nines can't."""
    try:
        _ = urlsplit(address).port
    except ValueError:
        return False
    return True


def _sentence(settings: type[Settings], error: ValidationError) -> str:
    first = error.errors()[0]
    variable = str(first["loc"][0])
    field = next(field for field in settings.model_fields.values() if field.alias == variable)
    message = first["msg"].removeprefix("Value error, ").removeprefix("Input ").removeprefix("String ")
    given = f", but is {first['input']!r}" if field.repr else ""
    absent = "leave it away" if field.default is None else f"leave it away for {field.default}"
    return f"The variable {variable} {message[:1].lower()}{message[1:]}{given}; {absent}"
