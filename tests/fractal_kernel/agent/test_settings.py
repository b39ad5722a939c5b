"""What the environment tells an agent."""

import os
from pathlib import Path

import pytest

from fractal_kernel.agent.settings import Settings, SettingsError, describe
from fractal_kernel.world.launch import Host, Remote

TOKEN = {"FRACTAL_AGENT_TOKEN": "secret"}


def test_a_token_is_all_that_must_be_said() -> None:
    settings = Settings.from_environment(TOKEN)
    assert settings.read_token() == "secret"
    assert settings.port == 8000
    assert settings.store_address == "redis://redis:6379/0"
    assert settings.world_size == len(os.sched_getaffinity(0))
    assert settings.remote is None


def test_hosts_make_a_world_of_their_slots() -> None:
    settings = Settings.from_environment(
        TOKEN
        | {"FRACTAL_HOSTS": "node-0.node:2, node-1.node:3", "FRACTAL_SSH_ARGS": "-i key", "FRACTAL_INTERFACE": "eth0"}
    )
    assert settings.world_size == 5
    assert settings.remote == Remote(
        hosts=(Host(name="node-0.node", slots=2), Host(name="node-1.node", slots=3)),
        ssh_args=("-p", "2222", "-i", "key"),
        interface="eth0",
    )
    assert settings.limits.start_s == 60 + 120


def test_the_earlier_systems_name_of_the_redis_host_still_counts() -> None:
    assert Settings.from_environment(TOKEN | {"REDIS_HOST": "elsewhere"}).store_address == "redis://elsewhere:6379/0"


def test_a_token_file_is_read_anew_each_time(tmp_path: Path) -> None:
    file = tmp_path / "token"
    settings = Settings.from_environment({"FRACTAL_AGENT_TOKEN_FILE": str(file)})
    with pytest.raises(SettingsError, match="FRACTAL_AGENT_TOKEN_FILE: can't read"):
        settings.read_token()
    file.write_text("\n")
    with pytest.raises(SettingsError, match="is empty"):
        settings.read_token()
    for token in ("one", "two"):
        file.write_text(f"{token}\n")
        assert settings.read_token() == token


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        pytest.param({}, "exactly one of FRACTAL_AGENT_TOKEN and FRACTAL_AGENT_TOKEN_FILE is needed", id="no token"),
        pytest.param(
            TOKEN | {"FRACTAL_AGENT_TOKEN_FILE": "x"}, "exactly one of FRACTAL_AGENT_TOKEN and", id="two tokens"
        ),
        pytest.param(TOKEN | {"FRACTAL_AGENT_PORT": "x"}, "^FRACTAL_AGENT_PORT: should be a valid integer", id="port"),
        pytest.param(TOKEN | {"FRACTAL_RANKS": "-1"}, "^FRACTAL_RANKS: should be greater", id="ranks"),
        pytest.param(TOKEN | {"FRACTAL_HOSTS": "a:0"}, "^FRACTAL_HOSTS: 'a:0' is no NAME:SLOTS", id="slots"),
        pytest.param(TOKEN | {"FRACTAL_HOSTS": "a,,b"}, "^FRACTAL_HOSTS: '' is no NAME:SLOTS", id="a host too many"),
        pytest.param(TOKEN | {"FRACTAL_STORE_SECONDS": "nan"}, "^FRACTAL_STORE_SECONDS: ", id="not a number"),
        pytest.param(TOKEN | {"FRACTAL_INSTALL": "a b"}, "^FRACTAL_INSTALL: ", id="install"),
    ],
)
def test_what_is_wrong_is_named_with_its_variable(environment: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        Settings.from_environment(environment)


def test_no_secret_is_shown() -> None:
    settings = Settings.from_environment(TOKEN | {"FRACTAL_STORE": "redis://user:password@host"})
    assert "secret" not in repr(settings)
    assert "password" not in repr(settings)


def test_every_variable_is_described() -> None:
    text = describe()
    for field in Settings.model_fields.values():
        assert field.description
        assert f"  {field.alias}" in text
