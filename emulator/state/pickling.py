"""moto's objects as bytes and back: pickle, with what belongs to a process left out and put in again.

Live backends are named, and looked up in the run that loads; large bytes go to the blob store;
locks, threads and what else belongs to a process is reduced to what makes it again.
Reading accepts classes of moto and of the emulator and a short list beside; it calls nothing else.
"""

import contextlib
import functools
import inspect
import io
import pickle
import types
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from moto.core.base_backend import BaseBackend

from emulator.errors import StateNotSaved, StateRefused
from emulator.state.backends import BackendKey, backend_at
from emulator.state.blobs import BlobStore
from emulator.state.objects import BlobBuffer
from emulator.state.reductions import MAKERS, LargeBytes, reduction

_OUR_PACKAGES = ("moto.", "emulator.")
_ELSEWHERE = frozenset(
    {
        ("_codecs", "encode"),
        ("builtins", "bytearray"),
        ("builtins", "complex"),
        ("builtins", "dict"),
        ("builtins", "frozenset"),
        ("builtins", "int"),
        ("builtins", "list"),
        ("builtins", "range"),
        ("builtins", "set"),
        ("builtins", "str"),
        ("builtins", "tuple"),
        ("collections", "Counter"),
        ("collections", "OrderedDict"),
        ("collections", "defaultdict"),
        ("collections", "deque"),
        ("copyreg", "_reconstructor"),
        ("datetime", "date"),
        ("datetime", "datetime"),
        ("datetime", "time"),
        ("datetime", "timedelta"),
        ("datetime", "timezone"),
        ("decimal", "Decimal"),
        ("dateutil.tz.tz", "tzlocal"),
        ("dateutil.tz.tz", "tzutc"),
        ("functools", "partial"),
        ("itertools", "count"),
        ("pathlib", "PosixPath"),
        ("re", "_compile"),
        ("requests.structures", "CaseInsensitiveDict"),
        ("uuid", "UUID"),
        ("weakref", "WeakValueDictionary"),
        ("werkzeug.datastructures.structures", "ImmutableMultiDict"),
        ("zoneinfo", "ZoneInfo._unpickle"),
    }
)


def outside(kind: str, name: Any) -> Any:
    """Stand in the pickle for what lies outside of it; whoever reads puts a look-up of its own here."""
    raise NotImplementedError(f"{kind} {name}: a state is read by its reader")


class Unkept(StateNotSaved):
    """Something in the state is of a kind that cannot be kept."""


class Writer(pickle.Pickler):
    """Writes the state.

    Parameters
    ----------
    file
        Where to.
    backends
        The live backends: mentioned anywhere, they are written as their key.
    blobs
        Takes large bytes.
    """

    def __init__(
        self,
        file: io.BytesIO,
        *,
        backends: Mapping[BackendKey, BaseBackend],
        blobs: BlobStore,
    ) -> None:
        super().__init__(file, protocol=5)
        self._blobs = blobs
        self._named: dict[int, tuple[str, Any]] = {}
        for key, backend in backends.items():
            self._named[id(backend)] = ("backend", key)
            for path, factory in _local_factories(backend):
                self._named[id(factory)] = ("factory", (key, path))
        self.modules: set[str] = set()
        """Modules of the emulator whose classes were written; this package's own have a format's number."""

    def reducer_override(self, part: Any) -> Any:
        """Name what lies outside of the pickle; say how to write what pickle alone would write wrongly."""
        named = self._named.get(id(part))
        if named is not None:
            return outside, named
        kind = type(part)
        if kind is BlobBuffer:
            return outside, ("object", part.digest)
        if kind is LargeBytes:
            return outside, ("bytes", self._blobs.put(part.content))
        if issubclass(kind, type | types.FunctionType | types.BuiltinFunctionType):
            self._check(part)
            return NotImplemented
        return reduction(part) or NotImplemented

    def _check(self, part: Any) -> None:
        if not permitted(part.__module__, part.__qualname__, part):
            raise Unkept(f"the state holds {part.__module__}.{part.__qualname__}, which cannot be kept")
        if part.__module__.startswith("emulator.") and not part.__module__.startswith("emulator.state."):
            self.modules.add(part.__module__)


class Reader(pickle.Unpickler):
    """Reads what a `Writer` wrote.

    Parameters
    ----------
    content
        The pickle.
    blobs
        Holds large bytes.
    """

    def __init__(self, content: bytes, *, blobs: BlobStore) -> None:
        super().__init__(io.BytesIO(content))
        self._blobs = blobs
        self.digests: set[str] = set()
        """Blobs the state refers to."""

    def _outside(self, kind: str, name: Any) -> Any:
        if kind == "backend":
            return backend_at(name)
        if kind == "factory":
            key, path = name
            return functools.reduce(getattr, path, backend_at(key)).default_factory  # type: ignore[attr-defined]
        if name is None:
            return BlobBuffer(self._blobs)
        self.digests.add(name)
        if kind == "object":
            self._blobs.size_bytes(name)
            return BlobBuffer(self._blobs, name)
        return self._blobs.get(name)

    def find_class(self, module: str, name: str) -> Any:
        """Find a class by name, if it is one of those a state may hold."""
        if (module, name) == (outside.__module__, outside.__name__):
            return self._outside
        found = None
        if module.startswith(_OUR_PACKAGES) or (module, name) in _ELSEWHERE:
            with contextlib.suppress(ImportError, AttributeError):
                found = super().find_class(module, name)
        if found is None or not permitted(module, name, found):
            raise StateRefused(f"the state names {module}.{name}, which is not part of a local cloud's state")
        return found


def _local_factories(holder: Any, *path: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Find the functions without a name that a backend, or a store in it, fills its mappings with.

    Another run finds the same functions at the same attributes of its new backend.
    """
    for name, value in list(vars(holder).items()):
        if isinstance(value, defaultdict) and isinstance(value.default_factory, types.FunctionType):
            yield (*path, name), value.default_factory
        elif not path and type(value).__module__.startswith("moto.") and hasattr(value, "__dict__"):
            yield from _local_factories(value, name)


def permitted(module: str, name: str, found: Any) -> bool:
    """Tell whether a class or function may stand in a state.

    Parameters
    ----------
    module, name
        Where it is looked up.
    found
        What is there.

    Returns
    -------
    bool
        True for classes of moto and the emulator, functions that put together what this module writes, and
        a list of the standard library's types.
    """
    if (module, name) in _ELSEWHERE or found in {*MAKERS, outside}:
        return True
    return (
        inspect.isclass(found)
        and "<locals>" not in name
        and f"{found.__module__}.".startswith(_OUR_PACKAGES)
        and f"{module}.".startswith(_OUR_PACKAGES)
    )
