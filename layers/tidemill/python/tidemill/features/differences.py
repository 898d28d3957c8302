"""What changed from one version of a feature view to another."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from tidemill.expressions import from_json
from tidemill.features.definitions import ViewDefinition
from tidemill.features.descriptions import describe_feature, describe_known, describe_length

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
    found = [
        Difference(name.removesuffix("_seconds"), _text(name, before[name]), _text(name, after[name]))
        for name in names
    ]
    found += [
        Difference(f"type of {name}", old.schema[name].value, new.schema[name].value)
        for name in sorted(old.columns & new.columns)
        if old.schema[name] is not new.schema[name]
    ]
    old_features, new_features = _features(before), _features(after)
    for name in sorted({*old_features, *new_features}):
        was, now = old_features.get(name), new_features.get(name)
        if was != now:
            found.append(Difference(name, was and describe_feature(was), now and describe_feature(now)))
    if not found and old.version != new.version:
        found.append(Difference("order of features", ", ".join(old_features), ", ".join(new_features)))
    return found


def _features(definition: Mapping[str, Any]) -> dict[str, Any]:
    return {feature["name"]: feature for feature in definition["features"]}


def _text(name: str, value: Any) -> str | None:
    if value is None:
        return None
    if name == "known":
        return describe_known(from_json(value))
    if name == "keys":
        return ", ".join(f"{key['name']}: {key['type']}" for key in value)
    return describe_length(value) if name.endswith("_seconds") else str(value)
