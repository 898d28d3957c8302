"""How what pickle alone writes wrongly, or not at all, is written and made again.

Each reduction gives what `object.__reduce__` would: a function that makes the thing, and what it needs.
"""

import functools
import threading
import weakref
from collections import defaultdict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, cast

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from moto.awslambda.models import LambdaFunction, LayerVersion
from moto.s3.models import FakeKey
from moto.stepfunctions.parser import models as parser_models
from moto.stepfunctions.parser.backend.execution import Execution, SyncExecution

from emulator.state.restart import EndedExecution

_LOCKS: dict[str, Callable[[], Any]] = {
    "lock": threading.Lock,
    "RLock": threading.RLock,
    "Condition": threading.Condition,
    "Event": threading.Event,
}
LARGE_BYTES = 64 * 1024
PrivateKey = EllipticCurvePrivateKey | RSAPrivateKey


@dataclass(frozen=True)
class LargeBytes:
    """Bytes that are better kept as a file of their own than written at each save."""

    content: bytes


def reduction(part: Any) -> tuple[Any, ...] | None:
    """Say how to write an object, or None where pickle knows.

    Parameters
    ----------
    part
        Anything in the state.

    Returns
    -------
    tuple or None
        As `object.__reduce__` has it.

    Examples
    --------
    >>> make, arguments = reduction(threading.Lock())
    >>> make(*arguments).locked()
    False
    """
    reduce = _reduction_of(cast("Hashable", type(part)))
    return reduce(part) if reduce else None


def new_lock(kind: str) -> Any:
    """Make a lock: nobody of another process holds it."""
    return _LOCKS[kind]()


def bare(kind: Any) -> Any:
    """Make an object whose attributes `fill` sets."""
    return kind.__new__(kind)  # moto notes each object it makes, and disposes of them by its notes


def empty_key() -> FakeKey:
    """Make an object of S3 whose attributes `fill` sets; one that never is has nothing to dispose of."""
    made: FakeKey = bare(FakeKey)
    made.disposed = True
    return made


def fill(part: Any, state: dict[str, Any]) -> None:
    """Set an object's attributes as they were."""
    vars(part).update(state)


def execution(name: str) -> Any:
    """Make an execution of the class in force, which the emulator puts in place of moto's."""
    return bare(getattr(parser_models, name))


def weak_values(items: dict[Any, Any]) -> Any:
    """Make a mapping that keeps nothing alive; its values live elsewhere in the state."""
    return weakref.WeakValueDictionary(items)


def mapping(kind: Any, factory: Callable[[], Any] | None) -> Any:
    """Make an empty mapping of a class whose constructor may take anything."""
    made = kind.__new__(kind)
    if isinstance(made, defaultdict):
        defaultdict.__init__(made, factory)
    return made


def fill_mapping(part: Any, state: tuple[dict[str, Any], dict[Any, Any]]) -> None:
    """Set a mapping's attributes and entries as they were."""
    attributes, entries = state
    vars(part).update(attributes)
    dict.update(part, entries)


def private_key(content: bytes) -> Any:
    """Make a private key from its bytes."""
    return serialization.load_der_private_key(content, password=None)


def _of_lock(part: Any) -> tuple[Any, ...]:
    return new_lock, (type(part).__name__,)


def _of_key(part: Any) -> tuple[Any, ...]:
    # moto's own way writes the object's bytes into the pickle.
    return empty_key, (), dict(vars(part)), None, None, fill


def _of_code(part: Any) -> tuple[Any, ...]:
    # moto's own way leaves an attribute of functions out.
    state = {
        name: LargeBytes(value) if isinstance(value, bytes) and len(value) >= LARGE_BYTES else value
        for name, value in vars(part).items()
    }
    return bare, (type(part),), state, None, None, fill


def _of_execution(part: Any) -> tuple[Any, ...]:
    name = "SyncExecution" if isinstance(part, SyncExecution) else "Execution"
    return execution, (name,), EndedExecution.state_of(part), None, None, fill


def _of_weak_values(part: Any) -> tuple[Any, ...]:
    return weak_values, (dict(part),)


def _of_mapping(part: Any) -> tuple[Any, ...] | None:
    # Underneath the class: S3's mapping of keys, asked itself, shows the latest versions alone.
    if not type(part).__module__.startswith("moto."):
        return None
    state = (dict(vars(part)), dict(dict.items(part)))
    return mapping, (type(part), getattr(part, "default_factory", None)), state, None, None, fill_mapping


def _of_private_key(part: PrivateKey) -> tuple[Any, ...]:
    # Not encrypted: what lies in a state directory is as open as what lies in the local cloud.
    return private_key, (
        part.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
    )


_REDUCTIONS: tuple[tuple[Any, Callable[[Any], tuple[Any, ...] | None]], ...] = (
    ((type(threading.Lock()), type(threading.RLock()), threading.Condition, threading.Event), _of_lock),
    (FakeKey, _of_key),
    ((LambdaFunction, LayerVersion), _of_code),
    (Execution, _of_execution),
    (weakref.WeakValueDictionary, _of_weak_values),
    (dict, _of_mapping),
    ((EllipticCurvePrivateKey, RSAPrivateKey), _of_private_key),
)


@functools.cache
def _reduction_of(kind: Hashable) -> Callable[[Any], tuple[Any, ...] | None] | None:
    return next((reduce for kinds, reduce in _REDUCTIONS if issubclass(kind, kinds)), None)  # type: ignore[arg-type]


MAKERS = (new_lock, bare, empty_key, fill, execution, weak_values, mapping, fill_mapping, private_key)
