"""First code of a worker process: a file system as on Lambda, then the real runtime interface client.

Run as a script, never imported by the emulator. Its one argument is JSON:

=================  ================================================================================
``lifeline``       descriptor that is at its end when the emulator is gone
``isolation``      how the file system is kept, a value of `emulator.runtime.isolation.Isolation`
``handler``        the handler, ``module.function``
``packaged``       whether the environment's own packages are left out
``code_dir``       the function's code on this machine
``layers_dir``     its layers, merged, on this machine; empty for none
``runtime_dir``    what Lambda's runtime carries, on this machine; empty for none
``tmp_dir``        the worker's folder where there are no namespaces
``tmp_mb``         size of its ``/tmp`` in MB
=================  ================================================================================
"""

# pathlib would be loaded at every cold start, which lasts 30 ms:
# ruff: noqa: PTH100, PTH120

import json
import os
import resource
import signal
import sys
import threading
from typing import Any


def _die_with_parent(lifeline: int) -> None:
    # The parent holds the other end and never writes: an end of file means it is gone, however it went.
    # A process-death signal would be tied to the parent's *thread*, and threads come and go.
    os.read(lifeline, 1)
    os.killpg(0, signal.SIGKILL)


def _confine(plan: dict[str, Any]) -> tuple[str, str, str]:
    """Take away what a function on Lambda has not; gives where code, layers and runtime are seen."""
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    sys.path.insert(0, root)
    code, layers, runtime = plan["code_dir"], plan["layers_dir"], plan["runtime_dir"]
    if plan["isolation"] == "interpreter":
        from emulator.runtime.inside.audit import WriteGuard  # noqa: PLC0415  only where it is needed

        WriteGuard(plan["tmp_dir"], plan["tmp_mb"], (code, layers, runtime)).install()
        resource.setrlimit(resource.RLIMIT_FSIZE, (plan["tmp_mb"] << 20,) * 2)
        seen = (code, layers, runtime)
    else:
        from emulator.runtime.inside import bytecode, namespaces  # noqa: PLC0415

        places = (("/var/task", code), *((("/opt", layers),) if layers else ()))
        cache = bytecode.Cache(os.open("/", os.O_PATH), places)
        namespaces.enter(
            user_namespace=plan["isolation"] == "user namespace",
            tmp_mb=plan["tmp_mb"],
            code_dir=code,
            layers_dir=layers,
            runtime_dir=runtime,
            needed=[sys.prefix, sys.base_prefix, *sys.path[1:], *_linked(runtime)],
        )
        cache.install()
        seen = ("/var/task", "/opt", "/var/runtime")
    sys.path.remove(root)
    for name in [name for name in sys.modules if name.partition(".")[0] == "emulator"]:
        del sys.modules[name]  # a function may have a module of this name
    return seen


def _set_path(code: str, layers: str, runtime: str, *, packaged: bool) -> None:
    """Order `sys.path` as Lambda does: code, layers, the runtime's packages, the standard library."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    layered = [f"{layers}/python/lib/{version}/site-packages", f"{layers}/python"] if layers else []
    carried = [runtime] if packaged else []
    sys.path[:] = [code, *layered, *(path for path in sys.path if path not in layered), *carried]
    sys.path_importer_cache.clear()  # looked at before these directories were there


def _linked(runtime: str) -> list[str]:
    """List where the runtime folder's links lead: the packages lie in a virtual environment."""
    links = os.scandir(runtime) if runtime else ()
    return sorted({os.path.dirname(os.path.realpath(link.path)) for link in links})


def main() -> None:
    """Start the client for the handler of the plan."""
    plan = json.loads(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    seen = _confine(plan)
    _set_path(*seen, packaged=plan["packaged"])
    threading.Thread(target=_die_with_parent, args=(plan["lifeline"],), daemon=True).start()
    from awslambdaric import __main__ as client  # noqa: PLC0415  the path above comes first

    client.main([sys.argv[0], plan["handler"]])


if __name__ == "__main__":
    main()
