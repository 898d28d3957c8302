"""One way to write data as bytes, and one way to name bytes: canonical JSON and SHA-256."""

import hashlib
import json
from typing import Any

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def canonical_json(value: Any) -> bytes:
    """Encode plain data as JSON that is equal for equal data: sorted keys, no spaces, UTF-8.

    Parameters
    ----------
    value
        ``None``, booleans, numbers, strings, and lists, tuples and string-keyed dictionaries of them.

    Returns
    -------
    bytes
        The encoding.

    Raises
    ------
    ValueError
        If a number is NaN or infinite: JSON has no such thing.
    TypeError
        If a value is not plain data.

    Examples
    --------
    >>> canonical_json({"b": 1, "a": [True, None, 0.5]})
    b'{"a":[true,null,0.5],"b":1}'
    """
    return _ENCODER.encode(value).encode()


def digest_bytes(data: bytes) -> str:
    """Return the SHA-256 of bytes in lower-case hexadecimal.

    Examples
    --------
    >>> digest_bytes(b"")[:8]
    'e3b0c442'
    """
    return hashlib.sha256(data).hexdigest()


def digest_json(value: Any) -> str:
    """Return the digest of a value's canonical JSON; equal data has equal digests.

    Examples
    --------
    >>> digest_json({"a": 1, "b": 2}) == digest_json({"b": 2, "a": 1})
    True
    """
    return digest_bytes(canonical_json(value))
