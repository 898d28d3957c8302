"""Names of declared things, and the checks every declaration shares."""

import re
from collections.abc import Iterable

from tidemill.errors import DeclarationError, did_you_mean

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


def check_name(kind: str, name: str) -> None:
    """Raise DeclarationError unless the name can stand in table names, paths and keys."""
    if not isinstance(name, str) or _NAME.fullmatch(name) is None:
        raise DeclarationError(
            f"{kind} {name!r}: a name is lower-case letters, digits and `_`, begins with a letter "
            "and has at most 63 characters"
        )


def check_known(owner: str, what: str, name: str, known: Iterable[str], within: str) -> None:
    """Raise DeclarationError with the nearest right name unless the name is one of the known ones."""
    names = list(known)
    if name not in names:
        raise DeclarationError(f"{owner}: unknown {what} `{name}` in {within}{did_you_mean(name, names)}")


def check_distinct(owner: str, what: str, names: Iterable[str]) -> None:
    """Raise DeclarationError if a name is there twice."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise DeclarationError(f"{owner}: two {what} are named `{name}`; rename one")
        seen.add(name)
