"""What the processes are told by their environment."""

import re
import tomllib
from pathlib import Path

import pytest

from fractal_operator.core.settings import (
    KERNEL_IMAGE,
    GatewaySettings,
    OperatorSettings,
    Settings,
    SettingsError,
)
from fractal_operator.core.settings_page import settings_page

ROOT = Path(__file__).parents[3]


def test_the_documented_page_is_made_from_the_settings() -> None:
    page = (ROOT / "docs/configuration.md").read_text()
    assert page == settings_page(), "run: python -m fractal_operator.core.settings_page > docs/configuration.md"


@pytest.mark.parametrize("settings", [OperatorSettings, GatewaySettings])
def test_every_setting_has_a_variable_and_a_description(settings: type[Settings]) -> None:
    for field in settings.model_fields.values():
        assert field.alias is not None
        assert field.alias.isupper()
        assert field.description is not None
        assert field.description.endswith(".")


def test_the_manifests_set_no_variable_that_nobody_reads() -> None:
    manifests = "\n".join(path.read_text() for path in (ROOT / "manifests").rglob("*.yaml"))
    told = set(re.findall(r"- (?:name: )?([A-Z][A-Z0-9]*_[A-Z0-9_]+)\b", manifests))
    read = {field.alias for kind in (OperatorSettings, GatewaySettings) for field in kind.model_fields.values()}
    assert {"NODE_COUNT", "POD_NAMESPACE", "FRACTAL_STORE_PASSWORD_FILE"} <= told
    assert told <= read


def test_the_image_of_worlds_is_of_this_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert KERNEL_IMAGE.endswith(f":{version}")


def test_the_names_of_the_earlier_system_are_read() -> None:
    told = {
        "REDIS_HOST": "store.example",
        "POD_NAMESPACE": "art",
        "MPI_IMAGE": "kernel:7",
        "NODE_COUNT": "3",
        "SLOTS_PER_NODE": "5",
        "SCALING_THRESHOLD": "2.5",
    }
    settings = OperatorSettings.from_environment(told)
    assert settings.store_address == "redis://store.example:6379/0"
    assert (settings.namespace, settings.world_image) == ("art", "kernel:7")
    assert (settings.first_world_nodes, settings.first_world_slots, settings.scaling_threshold) == (3, 5, 2.5)


def test_the_defaults_are_those_of_the_earlier_system() -> None:
    settings = OperatorSettings.from_environment({"REDIS_HOST": ""})
    assert (settings.first_world_nodes, settings.first_world_slots, settings.scaling_threshold) == (4, 2, 10.0)
    assert settings.store_address == "redis://redis.clusteredfractals.svc:6379/0", "worlds live in other namespaces"


def test_a_password_of_the_earlier_system_is_warned_about_and_never_shown() -> None:
    settings = OperatorSettings.from_environment({"MPIPASS": "geheim"})
    (warning,) = settings.warnings()
    assert "MPIPASS" in warning
    assert "geheim" not in warning + repr(settings)
    assert OperatorSettings.from_environment({}).warnings() == []


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("NODE_COUNT", "many", "a valid integer"),
        ("NODE_COUNT", "-1", "greater than or equal to 0"),
        ("SLOTS_PER_NODE", "0", "greater than or equal to 1"),
        ("SCALING_THRESHOLD", "0", "greater than 0"),
        ("FRACTAL_LOG_LEVEL", "loud", "'debug'"),
        ("POD_NAMESPACE", "Not A Name", "should match"),
        ("FRACTAL_FIRST_WORLD", "kube-x", "not begin with kube-"),
        ("FRACTAL_HEALTH_PORT", "70000", "less than or equal to 65535"),
    ],
)
def test_what_can_not_be_is_said_with_the_variable_the_value_and_the_default(
    variable: str, value: str, words: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        OperatorSettings.from_environment({variable: value})
    sentence = str(caught.value)
    assert sentence.startswith(f"The variable {variable} should ")
    assert words in sentence
    assert repr(value) in sentence
    assert "; leave it away for " in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("http://me:geheim@host", "should begin with redis://"),
        ("redis://me:geheim@host:99999", "should have a host and a port from 0 to 65535"),
        ("redis://me:geheim@[::1", "should have a host and a port from 0 to 65535"),
    ],
)
def test_a_store_that_is_none_is_refused_without_its_password(address: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words) as caught:
        OperatorSettings.from_environment({"FRACTAL_STORE": address})
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize(
    ("store", "address"),
    [
        ("redis://host:7000/2", "redis://world:p%40ss%2F@host:7000/2"),
        ("rediss://host", "rediss://world:p%40ss%2F@host"),
        ("redis://me:mine@host", "redis://me:mine@host"),
    ],
)
def test_an_address_gets_a_user_unless_it_has_one(store: str, address: str) -> None:
    assert Settings.from_environment({"FRACTAL_STORE": store}).store_address_as("world", "p@ss/") == address


def test_levels_and_formats_are_read_in_any_case() -> None:
    settings = OperatorSettings.from_environment({"FRACTAL_LOG_LEVEL": "WARNING", "FRACTAL_LOG_FORMAT": "Text"})
    assert (settings.log_level, settings.log_format) == ("warning", "text")
