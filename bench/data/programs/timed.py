"""One timed way to bring an object in, imports left out."""

import json
import resource
import sys
import time
from collections.abc import Callable


def main(bring_in: Callable[[str, str, str], int]) -> None:
    """Bring in the object named on the command line (bucket, key, a name of its own); print what it took."""
    bucket, key, name = sys.argv[1:]
    began = time.perf_counter()
    rows = bring_in(bucket, key, name)
    seconds = time.perf_counter() - began
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    sys.stdout.write(json.dumps({"seconds": seconds, "peak_mb": peak_mb, "rows": rows}))
