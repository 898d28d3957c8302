"""One timed job in a process of its own: from files on disk to the result in memory, imports left out."""

import json
import resource
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

VIEWS, NAMED_VIEWS = ("view1", "view2", "view3", "view4"), ("named1", "named2")
"""What is joined as of the observations' times; the second tell entities apart by strings."""
VALUES = ("a", "b", "c", "d")
"""The columns of each view, named after it: ``view1_a``."""
TTL_DAYS = 7
WINDOWS_HOURS = (1, 7 * 24, 30 * 24)
SUMS, EXTREMES, DISTINCT = ("sum", "count", "mean"), ("min", "max"), ("distinct",)
"""Figures that are taken over every window."""

Job = Callable[[Path], Callable[[], Any]]
"""Given the directory of the files, makes ready what is not timed and returns what is."""
Answer = Mapping[str, float]
"""Of each column of a result the sum of its values, by which results are compared."""


def main(jobs: Mapping[str, Job], answer_of: Callable[[Any], Answer]) -> None:
    """Do the job the command line names on the files of the directory it names; print what came of it."""
    name, directory = sys.argv[1:]
    job = jobs[name](Path(directory))
    began = time.perf_counter()
    result = job()
    seconds = time.perf_counter() - began
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    found = {"seconds": seconds, "peak_mb": peak_mb, "answer": dict(answer_of(result))}
    sys.stdout.write(json.dumps(found))
