"""Spells ``LifecycleConfiguration`` of a template as S3's API does."""

from typing import Any

from emulator.resources.base import Properties

_SIZES = ("ObjectSizeGreaterThan", "ObjectSizeLessThan")


def lifecycle(configuration: Properties) -> Properties:
    """Spell the rules of a bucket.

    Parameters
    ----------
    configuration
        ``LifecycleConfiguration`` of a template.

    Returns
    -------
    dict
        ``LifecycleConfiguration`` of ``PutBucketLifecycleConfiguration``, without transitions.

    Examples
    --------
    >>> lifecycle({"Rules": [{"Id": "r", "Status": "Enabled", "ExpirationInDays": 90, "Prefix": "tmp/"}]})
    {'Rules': [{'ID': 'r', 'Status': 'Enabled', 'Filter': {'Prefix': 'tmp/'}, 'Expiration': {'Days': 90}}]}
    """
    rules = (_rule(rule, f"rule-{place}") for place, rule in enumerate(configuration["Rules"]))
    return {"Rules": [rule for rule in rules if len(rule) > len(_RULE)]}


_RULE = ("ID", "Status", "Filter")


def _rule(rule: Properties, name: str) -> Properties:
    spelled: Properties = {"ID": rule.get("Id", name), "Status": rule["Status"], "Filter": _filter(rule)}
    expiration: Properties = {
        api: number(rule[given])
        for given, api, number in (
            ("ExpirationInDays", "Days", int),
            ("ExpirationDate", "Date", str),
            ("ExpiredObjectDeleteMarker", "ExpiredObjectDeleteMarker", _truth),
        )
        if given in rule
    }
    noncurrent = _whole(rule.get("NoncurrentVersionExpiration", {}))
    if "NoncurrentVersionExpirationInDays" in rule:
        noncurrent = {"NoncurrentDays": int(rule["NoncurrentVersionExpirationInDays"])}
    uploads = _whole(rule.get("AbortIncompleteMultipartUpload", {}))
    parts = {
        "Expiration": expiration,
        "NoncurrentVersionExpiration": noncurrent,
        "AbortIncompleteMultipartUpload": uploads,
    }
    return spelled | {part: said for part, said in parts.items() if said}


def _filter(rule: Properties) -> Properties:
    conditions: Properties = {name: int(rule[name]) for name in _SIZES if name in rule}
    tags = rule.get("TagFilters", [])
    if not conditions and not tags:
        return {"Prefix": rule.get("Prefix", "")}
    together: Properties = {"Prefix": rule.get("Prefix", ""), **conditions}
    if tags:
        together["Tags"] = [{"Key": tag["Key"], "Value": tag["Value"]} for tag in tags]
    return {"And": together}


def _whole(given: Properties) -> dict[str, int]:
    return {name: int(value) for name, value in given.items()}


def _truth(given: Any) -> bool:
    return str(given).lower() == "true"
