"""What the handlers work with: kopf passes it to each of them as `memo`."""

from dataclasses import dataclass

from fractal_operator.adapters.api import Api
from fractal_operator.core.pulse import Pulse
from fractal_operator.core.settings import OperatorSettings
from fractal_operator.services.metrics import Metrics


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """The services of a leader."""

    api: Api
    settings: OperatorSettings
    metrics: Metrics
    pulse: Pulse
