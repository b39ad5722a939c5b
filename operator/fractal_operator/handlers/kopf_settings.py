"""How kopf behaves here: what it keeps on objects, what it watches, and how soon it gives up."""

from typing import Final

import kopf

from fractal_operator.core import names

_WORLD_PARTS: Final = (
    ("apps", "v1", "statefulsets"),
    ("networking.k8s.io", "v1", "networkpolicies"),
    ("rbac.authorization.k8s.io", "v1", "rolebindings"),
    ("", "v1", "services"),
    ("", "v1", "pods"),
)
"""What belongs to worlds and carries their label. Namespaces don't stand here: jobs come from all of them."""

_WATCH_S: Final = 290
_SILENT_S: Final = 90.0
_REQUEST_S: Final = 10.0
_CONNECT_S: Final = 5.0


def build_kopf_settings() -> kopf.OperatorSettings:
    """The settings of kopf; each is here because its default would hurt."""
    settings = kopf.OperatorSettings()
    settings.process.ultimate_exiting_timeout = None  # this process ends itself
    settings.posting.enabled = False  # events are told by us, once each
    settings.persistence.finalizer = names.WORLD_FINALIZER
    settings.persistence.progress_storage = kopf.AnnotationsProgressStorage(prefix=names.KEPT_BY_KOPF)
    settings.persistence.diffbase_storage = kopf.AnnotationsDiffBaseStorage(prefix=names.KEPT_BY_KOPF)
    settings.queueing.worker_limit = None  # idle workers would hold their slots, and all would stall
    settings.queueing.exit_timeout = 0.5
    settings.background.cancellation_polling = 5.0
    settings.background.instant_exit_timeout = 0.5  # an observer has a stream to close
    settings.execution.default_backoff = 5.0
    _bound_requests(settings)
    _narrow_watches(settings)
    return settings


def _bound_requests(settings: kopf.OperatorSettings) -> None:
    settings.networking.request_timeout = _REQUEST_S
    settings.networking.connect_timeout = _CONNECT_S
    settings.networking.error_backoffs = (0.5, 1, 2, 4, 8)
    # Without these a watch whose connection is half dead stays silent for ever.
    settings.watching.server_timeout = _WATCH_S  # an int: the API server takes no fractions
    settings.watching.client_timeout = _WATCH_S + _REQUEST_S
    settings.watching.connect_timeout = _CONNECT_S
    settings.watching.inactivity_timeout = _SILENT_S  # a bookmark comes each minute
    settings.watching.chunk_size = 500


def _narrow_watches(settings: kopf.OperatorSettings) -> None:
    for part in _WORLD_PARTS:
        settings.watching.label_selectors[part] = names.WORLD_LABEL
