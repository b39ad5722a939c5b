"""How kopf behaves here, as far as kopf itself would not notice a mistake."""

import kopf
import pytest

from fractal_operator.core import names
from fractal_operator.handlers.kopf_settings import build_kopf_settings


@pytest.mark.parametrize(
    ("group", "plural", "narrowed"),
    [
        ("", "pods", True),
        ("", "services", True),
        ("apps", "statefulsets", True),
        ("networking.k8s.io", "networkpolicies", True),
        ("rbac.authorization.k8s.io", "rolebindings", True),
        ("", "namespaces", False),
        ("clusteredfractals.dev", "fractaljobs", False),
        ("clusteredfractals.dev", "fractalnamespaces", False),
    ],
)
def test_the_parts_of_worlds_are_watched_by_their_label_only(group: str, plural: str, narrowed: bool) -> None:
    resource = kopf.Resource(group=group, version="v1", plural=plural, kind="K", namespaced=True)
    expected = [names.WORLD_LABEL] if narrowed else []
    assert build_kopf_settings().watching.label_selectors.collect(resource) == expected


def test_no_watch_and_no_request_can_be_silent_for_ever() -> None:
    settings = build_kopf_settings()
    assert str(settings.watching.server_timeout).isdigit(), "the API server takes whole seconds only"
    assert settings.watching.client_timeout > settings.watching.server_timeout
    assert settings.watching.connect_timeout
    assert 60 < settings.watching.inactivity_timeout < 180, "a bookmark comes each minute; liveness waits for three"
    assert settings.networking.request_timeout == 10
    assert settings.queueing.worker_limit is None


def test_what_kopf_keeps_on_objects_is_ours_by_name() -> None:
    settings = build_kopf_settings()
    assert settings.persistence.finalizer == "clusteredfractals.dev/operator"
    assert settings.persistence.progress_storage.prefix == "operator.clusteredfractals.dev"
    assert settings.persistence.diffbase_storage.prefix == "operator.clusteredfractals.dev"
    assert not settings.posting.enabled
