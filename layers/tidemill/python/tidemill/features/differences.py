"""What changed from one version of a feature view to another."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from tidemill.expressions import from_json
from tidemill.features.definitions import ViewDefinition

_OF_THE_VIEW = ("source", "timestamp", "known", "keys", "ttl_seconds", "grace_seconds")


class Difference(NamedTuple):
    """One thing that differs: the view's or a feature's, as text; None where it is not there."""

    what: str
    before: str | None
    after: str | None


def differences(old: ViewDefinition, new: ViewDefinition) -> list[Difference]:
    """Return in what two versions of a view differ; none only if their versions are equal.

    Parameters
    ----------
    old, new
        Two definitions.

    Returns
    -------
    list of Difference
        First the view's own, then those of its features, by name.
    """
    before, after = old.definition(), new.definition()
    names = [name for name in _OF_THE_VIEW if before[name] != after[name]]
    found = [Difference(name, _text(before[name]), _text(after[name])) for name in names]
    old_features, new_features = _features(before), _features(after)
    for name in sorted({*old_features, *new_features}):
        was, now = old_features.get(name), new_features.get(name)
        if was != now:
            found.append(Difference(name, was and describe_feature(was), now and describe_feature(now)))
    if not found and old.version != new.version:
        found.append(Difference("order of features", ", ".join(old_features), ", ".join(new_features)))
    return found


def describe_feature(feature: Mapping[str, Any]) -> str:
    """Write a feature as it might be declared.

    Examples
    --------
    >>> from tidemill.expressions import col
    >>> value = col("delay").to_json()
    >>> window = {"window_seconds": 3600, "hop_seconds": 300}
    >>> describe_feature({"kind": "mean", "type": "float", "value": value, **window})
    'mean(col("delay"), over=3600s, hop=300s): float'
    >>> describe_feature({"kind": "latest", "type": "string", "value": value})
    'latest(col("delay")): string'
    """
    said = [] if feature["value"] is None else [repr(from_json(feature["value"]))]
    if "window_seconds" in feature:
        said += [f"over={feature['window_seconds']}s", f"hop={feature['hop_seconds']}s"]
    if feature.get("at_most"):
        said.append(f"at_most={feature['at_most']}")
    return f"{feature['kind']}({', '.join(said)}): {feature['type']}"


def _features(definition: Mapping[str, Any]) -> dict[str, Any]:
    return {feature["name"]: feature for feature in definition["features"]}


def _text(value: Any) -> str | None:
    if isinstance(value, dict):
        return repr(from_json(value))
    if isinstance(value, list):
        return ", ".join(f"{key['name']}: {key['type']}" for key in value)
    return None if value is None else str(value)
