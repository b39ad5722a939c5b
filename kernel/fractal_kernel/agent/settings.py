"""The agent's settings: environment variables, each with its type, its default, and what it is for."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator

from fractal_api.errors import PermanentError
from fractal_kernel.agent.peers import SSH_PORT
from fractal_kernel.agent.session import default_root
from fractal_kernel.agent.spool import CAPACITY
from fractal_kernel.agent.surroundings import Limits
from fractal_kernel.world.launch import Host, Remote

Seconds = Annotated[float, Field(gt=0, le=86_400)]
Port = Annotated[int, Field(ge=0, le=65_535)]


class SettingsError(PermanentError):
    """An environment variable says what it can't; the message names it, and what it may be."""


class Settings(BaseModel):
    """What an agent is told by its environment."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    host: str = Field(default="0.0.0.0", alias="FRACTAL_AGENT_HOST", description="The address that HTTP listens on.")  # noqa: S104 - a pod's only door
    port: Port = Field(default=8000, alias="FRACTAL_AGENT_PORT", description="The port of HTTP; 0 takes a free one.")
    token: SecretStr | None = Field(
        default=None, alias="FRACTAL_AGENT_TOKEN", description="The bearer token that callers must send."
    )
    token_file: Path | None = Field(
        default=None, alias="FRACTAL_AGENT_TOKEN_FILE", description="A file with that token, read at each request."
    )
    install: str = Field(
        default="default",
        alias="FRACTAL_INSTALL",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,252}$",
        description="The name of the installation, part of every key in the store.",
    )
    store: SecretStr = Field(
        default=SecretStr(""),
        alias="FRACTAL_STORE",
        description="Where results go: redis://…, unix://… or file:///FOLDER. By default the Redis of REDIS_HOST.",
    )
    redis_host: str = Field(default="redis", alias="REDIS_HOST", description="The host of the default store.")
    ranks: int = Field(
        default=0, ge=0, le=4096, alias="FRACTAL_RANKS", description="Ranks of the world; 0: all slots, or processors."
    )
    hosts: tuple[Host, ...] = Field(
        default=(),
        alias="FRACTAL_HOSTS",
        description="The world's hosts as NAME:SLOTS,…, this one first; none for a world on this machine alone.",
    )
    ssh_port: Port = Field(default=SSH_PORT, alias="FRACTAL_SSH_PORT", description="The port of the hosts' sshd.")
    ssh_args: str = Field(
        default="", alias="FRACTAL_SSH_ARGS", description="Arguments of ssh, such as -i KEY; the port is added."
    )
    interface: str | None = Field(
        default=None,
        alias="FRACTAL_INTERFACE",
        description="The network of MPI between hosts: eth0, 10.0.0.0/8.",
    )
    scratch: Path | None = Field(
        default=None,
        alias="FRACTAL_SCRATCH",
        description="A folder for worlds alone that exists on all hosts; the agent empties this host's.",
    )
    work_dir: Path = Field(
        default_factory=default_root,
        alias="FRACTAL_WORK_DIR",
        description="Where the agent makes its folder, for socket, spool and what dead agents left. "
        "By default below the folder for temporary files.",
    )
    ledger: Path | None = Field(
        default=None,
        alias="FRACTAL_LEDGER",
        description="A file that records what was rendered and stored; for tests.",
    )
    peers_s: Seconds = Field(
        default=120, alias="FRACTAL_PEERS_SECONDS", description="How long hosts may take until their sshd answers."
    )
    start_s: Seconds = Field(
        default=60, alias="FRACTAL_START_SECONDS", description="How long a world may take to answer after that."
    )
    store_s: Seconds = Field(
        default=600, alias="FRACTAL_STORE_SECONDS", description="How long a run waits for its store before it fails."
    )
    flush_s: Seconds = Field(
        default=15,
        alias="FRACTAL_FLUSH_SECONDS",
        description="How long an ending agent waits until its rendered tiles are stored.",
    )
    spool_bytes: int = Field(
        default=CAPACITY,
        ge=1,
        alias="FRACTAL_SPOOL_BYTES",
        description="Bytes of rendered tiles that may wait for the store before rendering pauses; they wait in files.",
    )
    fruitless: int = Field(
        default=5,
        ge=0,
        le=1000,
        alias="FRACTAL_WORLD_RETRIES",
        description="Worlds in a row that a run may lose without a new tile before it fails.",
    )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """The settings; SettingsError names the first variable that is wrong. Empty variables count as absent."""
        try:
            return cls.model_validate({name: value for name, value in environment.items() if value})
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            name = ".".join(str(part) for part in first["loc"][:1]) or "the environment"
            message = first["msg"].removeprefix("Value error, ").removeprefix("Input ")
            raise SettingsError(f"{name}: {message}") from error

    @field_validator("hosts", mode="before")
    @classmethod
    def _hosts(cls, value: object) -> object:
        return tuple(_host(entry) for entry in value.split(",")) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_token(self) -> Self:
        if (self.token is None) == (self.token_file is None):
            raise ValueError("exactly one of FRACTAL_AGENT_TOKEN and FRACTAL_AGENT_TOKEN_FILE is needed")
        return self

    def read_token(self) -> str:
        """The token as it is now: a Secret may be changed under a running agent. SettingsError when there is none."""
        if self.token is not None:
            return self.token.get_secret_value()
        try:
            token = self.token_file.read_text().strip() if self.token_file else ""
        except OSError as error:
            raise SettingsError(f"FRACTAL_AGENT_TOKEN_FILE: can't read {self.token_file}: {error.strerror}") from error
        if not token:
            raise SettingsError(f"FRACTAL_AGENT_TOKEN_FILE: {self.token_file} is empty")
        return token

    @property
    def store_address(self) -> str:
        """Where the store is; it may hold a password."""
        return self.store.get_secret_value() or f"redis://{self.redis_host}:6379/0"

    @property
    def world_size(self) -> int:
        """How many ranks the world has."""
        slots = sum(host.slots for host in self.hosts) or len(os.sched_getaffinity(0))
        return self.ranks or slots

    @property
    def remote(self) -> Remote | None:
        """The hosts of the world, if there are several."""
        if len(self.hosts) < 2:
            return None
        ssh_args = ("-p", str(self.ssh_port), *self.ssh_args.split())
        return Remote(hosts=self.hosts, ssh_args=ssh_args, interface=self.interface)

    @property
    def limits(self) -> Limits:
        """How much the agent puts up with."""
        peers_s = self.peers_s if self.remote else 0.0
        return Limits(
            fruitless=self.fruitless,
            store_s=self.store_s,
            start_s=self.start_s + peers_s,
            flush_s=self.flush_s,
            spool_bytes=self.spool_bytes,
        )


def describe() -> str:
    """Every variable with its default and what it is for, a paragraph each."""
    fields = sorted(Settings.model_fields.values(), key=lambda field: str(field.alias))
    return "\n".join(f"  {field.alias}{_default(field.default)}\n      {field.description}" for field in fields)


def _default(value: object) -> str:
    shown = isinstance(value, str | int | float) and not isinstance(value, bool) and value != ""
    return f" = {value}" if shown else ""


def _host(entry: str) -> Host:
    name, _, slots = entry.strip().partition(":")
    if not name or (slots and not (slots.isdecimal() and 1 <= int(slots) <= 4096)):
        raise ValueError(f"{entry.strip()!r} is no NAME:SLOTS with 1 to 4096 slots")
    return Host(name=name, slots=int(slots or 1))
