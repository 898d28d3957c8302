"""What moto would remember for nobody: every object it ever made, and the copies its listings make.

moto notes each object of its models, for a dashboard and to close their files when it is reset, and to
list the versions of objects it copies those of the whole bucket, contents included. A cloud that lives
through a year would hold all of them in the end, however often they were overwritten.
"""

import tempfile
import weakref
from typing import Any

from moto.core.common_models import BaseModel
from moto.s3.models import FakeKey

from emulator.events.hooks import Hooks


class _Alive(weakref.WeakSet[Any]):
    """Objects that somebody else holds; moto takes it for a list."""

    append = weakref.WeakSet.add


def install(hooks: Hooks) -> None:
    """Have moto note no more than what is still stored, and copy objects of S3 without their contents."""
    hooks.replace(BaseModel, "__new__", staticmethod(_make))
    hooks.replace(FakeKey, "instances_tracked", _Alive())
    hooks.replace(FakeKey, "__del__", _close)
    hooks.add(FakeKey, "__deepcopy__", _copy_without_contents)


def _make(kind: Any, *arguments: Any, **named: Any) -> Any:
    """Make an object; of those with files it is noted which they are, to close them in the end."""
    del arguments, named
    made = super(BaseModel, kind).__new__(kind)
    if isinstance(made, FakeKey):
        kind.instances_tracked.append(made)
    return made


def _close(key: Any) -> None:
    """Close the file of an object that nobody holds any more: moto would only do so when it is reset."""
    contents = vars(key).get("_value_buffer")
    if contents is not None:
        contents.close()


def _copy_without_contents(key: Any, memo: dict[int, Any]) -> Any:
    """Copy what a listing shows of an object."""
    del memo
    copied = object.__new__(type(key))
    etag = key.etag.strip('"')  # taken of the contents
    nothing = tempfile.SpooledTemporaryFile()  # noqa: SIM115 - closed with the copy
    vars(copied).update(vars(key) | {"_etag": etag, "_value_buffer": nothing})
    return copied
