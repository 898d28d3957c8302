"""First code of a worker process: the real runtime interface client, tied to its parent's life.

Run as a script, never imported by the emulator: it must not load anything a function did not ask for.
"""

import os
import signal
import sys
import threading


def _die_with_parent(lifeline: int) -> None:
    # The parent holds the other end and never writes: an end of file means it is gone, however it went.
    # A process-death signal would be tied to the parent's *thread*, and threads come and go.
    os.read(lifeline, 1)
    os.killpg(0, signal.SIGKILL)


def main() -> None:
    """Start the client for the handler named on the command line."""
    lifeline, handler = int(sys.argv[1]), sys.argv[2]
    threading.Thread(target=_die_with_parent, args=(lifeline,), daemon=True).start()
    sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
    from awslambdaric import __main__ as client  # noqa: PLC0415  the path above comes first

    client.main([sys.argv[0], handler])


if __name__ == "__main__":
    main()
