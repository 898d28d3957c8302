"""Every error Tidemill raises on purpose, in one tree.

    TidemillError
    ├── CallerError            the request, file or declaration is wrong; trying again will not help
    │   ├── DeclarationError   a project's declaration
    │   ├── ExpressionError    a ``col()`` expression, or its use on columns
    │   ├── UploadRefused      a file that can not become a commit
    │   ├── InvalidRequest     a prediction, outcome or command with a wrong field
    │   ├── NotFound           a named thing that does not exist
    │   └── GateFailed         a version that may not take an alias
    └── PlatformError          the world failed; trying again may help
        ├── Conflict           someone else wrote first
        ├── Outdated           the history that work was planned on is gone; plan it anew
        ├── Corrupt            stored bytes are not what their digest says
        └── Unavailable        a service did not answer, throttled or refused

A message names the thing, the state found and the next step. This module imports nothing of ours.
"""

import difflib
from collections.abc import Iterable


class TidemillError(Exception):
    """The root of every error raised on purpose."""


class CallerError(TidemillError):
    """The caller's mistake: repeating the same call gives the same answer."""


class DeclarationError(CallerError):
    """A source, view, model or project is declared wrongly."""


class ExpressionError(CallerError):
    """An expression is ill-typed or names a column that is not there."""


class UploadRefused(CallerError):
    """A file can not become a commit; nothing of it was kept."""


class InvalidRequest(CallerError):
    """A request's field is wrong; ``field`` says which, as a path such as ``rows[3].origin``."""

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class NotFound(CallerError):
    """A named thing does not exist."""


class GateFailed(CallerError):
    """A model version did not pass a gate, so no alias moves to it."""


class PlatformError(TidemillError):
    """The world's failure, not the caller's: a retry may succeed."""


class Conflict(PlatformError):
    """A conditional write lost: the stored state is newer than the one it was based on."""


class Outdated(PlatformError):
    """What work was planned on was taken back or has expired: it has to be planned anew."""


class Corrupt(PlatformError):
    """Stored bytes do not have the digest they are recorded under."""


class Unavailable(PlatformError):
    """A service did not answer, throttled the call or denied it."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean `x`?"`` for the nearest known name, or the list of known names.

    Parameters
    ----------
    name
        What was written.
    known
        The names that would have been right.

    Returns
    -------
    str
        The end of an error message.

    Examples
    --------
    >>> did_you_mean("arr_dely", ["arr_delay", "origin"])
    '; did you mean `arr_delay`?'
    >>> did_you_mean("zzz", ["b", "a"])
    '; known: a, b'
    >>> did_you_mean("zzz", [])
    '; there are none'
    """
    names = sorted(known)
    nearest = difflib.get_close_matches(name, names, n=1)
    if nearest:
        return f"; did you mean `{nearest[0]}`?"
    return "; known: " + ", ".join(names) if names else "; there are none"
