"""Label selectors, as the API server reads them."""

from collections.abc import Mapping
from typing import Any

Labels = Mapping[str, str]
Selector = Mapping[str, Any]


def matches(selector: Selector, labels: Labels) -> bool:
    """Whether the selector takes the labels; an empty one takes everything."""
    wanted: Labels = selector.get("matchLabels") or {}
    expressions: list[Mapping[str, Any]] = selector.get("matchExpressions") or []
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        _holds(expression, labels) for expression in expressions
    )


def _holds(expression: Mapping[str, Any], labels: Labels) -> bool:
    key, values = expression["key"], expression.get("values") or []
    match expression["operator"]:
        case "In":
            return key in labels and labels[key] in values
        case "NotIn":
            return key not in labels or labels[key] not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
        case other:
            raise ValueError(f"the operator {other!r} of a label selector is not known")
