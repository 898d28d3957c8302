"""A worker's file system as on Lambda, made of Linux namespaces.

The process leaves the machine's mount namespace, makes everything it sees read-only, and covers three
directories with its own: ``/tmp`` (empty, of a set size), ``/var`` (with ``task`` and ``runtime``) and
``/opt`` (the layers). Paths Python itself needs that lie beneath a covered directory are bound through.
The kernel drops all of it with the last process of the worker.

References
----------
unshare(2), mount(2), mount_setattr(2), mount_namespaces(7), user_namespaces(7).
"""

# pathlib would be loaded at every cold start, which lasts 30 ms:
# ruff: noqa: PTH103, PTH110, PTH112, PTH120, PTH123, PTH208, PTH211

import ctypes
import os
import sys
from collections.abc import Iterable

_CLONE_NEWNS = 0x00020000
_CLONE_NEWUSER = 0x10000000
_MS_NOSUID = 0x2
_MS_NODEV = 0x4
_MS_BIND = 0x1000
_MS_REC = 0x4000
_MS_PRIVATE = 1 << 18
_AT_FDCWD = -100
_AT_RECURSIVE = 0x8000
_MOUNT_ATTR_RDONLY = 0x1
_SYS_MOUNT_SETATTR = 442
"""The same number on every architecture."""
_COVERED = ("/tmp", "/var", "/opt")  # noqa: S108  these are a function's own


class _MountAttributes(ctypes.Structure):
    _fields_ = (
        ("attr_set", ctypes.c_uint64),
        ("attr_clr", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("userns_fd", ctypes.c_uint64),
    )


_libc = ctypes.CDLL(None, use_errno=True)


def enter(
    *,
    user_namespace: bool,
    tmp_mb: int,
    code_dir: str,
    layers_dir: str,
    runtime_dir: str,
    needed: Iterable[str],
) -> None:
    """Give this process a file system of its own; it must have one thread.

    Parameters
    ----------
    user_namespace
        Whether the right to mount is taken by a user namespace, as it must be for others than root.
    tmp_mb
        Size of ``/tmp`` in MB.
    code_dir
        What becomes ``/var/task``.
    layers_dir
        What becomes ``/opt``; empty for no layers.
    runtime_dir
        What becomes ``/var/runtime``; empty for none.
    needed
        Paths that must stay where they are, even beneath a covered directory.

    Raises
    ------
    OSError
        The kernel refuses.
    """
    _leave(user_namespace=user_namespace)
    _check(_libc.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None), "mount private", "/")
    _make_read_only("/", _AT_RECURSIVE)
    # Held open before they are covered: a covered path can still be bound by its descriptor.
    parts = [("/var/task", _hold(code_dir))]
    parts += [("/var/runtime", _hold(runtime_dir))] if runtime_dir else []
    parts += [(f"/opt/{name}", _hold(f"{layers_dir}/{name}")) for name in _names(layers_dir)]
    parts += [(path, _hold(path)) for path in _beneath_covered(needed)]
    for place in _COVERED:
        size = tmp_mb if place == "/tmp" else 1  # noqa: S108
        options = f"size={size}m,mode={'1777' if place == '/tmp' else '755'}"  # noqa: S108
        _mount("tmpfs", place, "tmpfs", _MS_NOSUID | _MS_NODEV, options)
    for target, descriptor in parts:
        _bind(descriptor, target)
    os.makedirs("/var/lang/bin")  # where layers' programs look for Lambda's Python
    os.symlink(os.path.realpath(sys.executable), "/var/lang/bin/python")
    _make_read_only("/var", 0)
    _make_read_only("/opt", 0)
    os.chdir("/var/task")


def _leave(*, user_namespace: bool) -> None:
    user, group = os.getuid(), os.getgid()
    flags = _CLONE_NEWNS | (_CLONE_NEWUSER if user_namespace else 0)
    _check(_libc.unshare(flags), "unshare", "its namespaces")
    if user_namespace:
        # A process may map its own group only after giving up to change groups.
        for name, line in (
            ("setgroups", "deny"),
            ("uid_map", f"{user} {user} 1"),
            ("gid_map", f"{group} {group} 1"),
        ):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                file.write(line)


def _names(directory: str) -> list[str]:
    return sorted(os.listdir(directory)) if directory else []


def _beneath_covered(paths: Iterable[str]) -> list[str]:
    """Choose the paths that a covered directory would hide, none of them within another.

    Examples
    --------
    >>> _beneath_covered(["/opt/python", "/opt/python/lib", "/usr/bin", "/nowhere/at/all"])
    []
    """
    found: list[str] = []
    for path in sorted({os.path.realpath(path) for path in paths}):
        hidden = path.startswith(tuple(f"{place}/" for place in _COVERED)) and os.path.exists(path)
        if hidden and not (found and path.startswith(f"{found[-1]}/")):
            found.append(path)
    return found


def _hold(path: str) -> int:
    return os.open(path, os.O_PATH | os.O_CLOEXEC)


def _bind(descriptor: int, target: str) -> None:
    source = f"/proc/self/fd/{descriptor}"
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC))
    _mount(source, target, "", _MS_BIND | _MS_REC, "")
    os.close(descriptor)


def _mount(source: str, target: str, kind: str, flags: int, options: str) -> None:
    arguments = (os.fsencode(source), os.fsencode(target), kind.encode(), flags, options.encode())
    _check(_libc.mount(*arguments), f"mount {kind or 'bind'}", target)


def _make_read_only(path: str, flags: int) -> None:
    attributes = _MountAttributes(_MOUNT_ATTR_RDONLY, 0, 0, 0)
    size = ctypes.c_size_t(ctypes.sizeof(attributes))
    result = _libc.syscall(
        ctypes.c_long(_SYS_MOUNT_SETATTR),
        ctypes.c_int(_AT_FDCWD),
        os.fsencode(path),
        ctypes.c_uint(flags),
        ctypes.byref(attributes),
        size,
    )
    _check(result, "mount_setattr", path)


def _check(result: int, call: str, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}: {os.strerror(number)}", what)
