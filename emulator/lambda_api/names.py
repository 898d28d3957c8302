"""How callers name a function: by name, partial or full ARN, each with or without a version or alias."""

from moto.awslambda.exceptions import InvalidParameterValueException

LATEST = "$LATEST"
"""Qualifier of the version that changes."""

_ARN_PARTS = 7
_PARTIAL_ARN_PARTS = 3


def split_name(name_or_arn: str, qualifier: str | None = None) -> tuple[str, str | None]:
    """Split what a caller named into the function's name and the version or alias.

    Parameters
    ----------
    name_or_arn
        ``name``, ``name:3``, ``123456789012:function:name`` or an ARN, each with a qualifier or without.
    qualifier
        Version or alias given beside the name.

    Returns
    -------
    tuple of str and str or None
        Name, and qualifier if there is one.

    Raises
    ------
    InvalidParameterValueException
        Name and argument ask for different qualifiers.

    Examples
    --------
    >>> split_name("greet:live"), split_name("arn:aws:lambda:us-east-1:123456789012:function:greet", "3")
    (('greet', 'live'), ('greet', '3'))
    >>> split_name("123456789012:function:greet:3")
    ('greet', '3')
    """
    parts = name_or_arn.split(":")
    if parts[0] == "arn":
        parts = parts[_ARN_PARTS - 1 :]
    elif len(parts) >= _PARTIAL_ARN_PARTS and parts[1] == "function":
        parts = parts[_PARTIAL_ARN_PARTS - 1 :]
    named = parts[1] if len(parts) > 1 else None
    if named and qualifier and named != qualifier:
        raise InvalidParameterValueException(
            "The derived qualifier from the function name does not match the specified qualifier."
        )
    return parts[0], named or qualifier


def unqualified(arn: str) -> str:
    """Give a function's ARN without version or alias.

    Parameters
    ----------
    arn
        A function's ARN.

    Returns
    -------
    str
        Its first seven parts.

    Examples
    --------
    >>> unqualified("arn:aws:lambda:us-east-1:123456789012:function:greet:live")
    'arn:aws:lambda:us-east-1:123456789012:function:greet'
    """
    return ":".join(arn.split(":")[:_ARN_PARTS])
