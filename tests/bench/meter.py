"""Run a command and write down what it took: a script of its own, small, so that its memory hides no command's.

    python -I -S meter.py RESULT WORD...

A process inherits its parent's peak memory when it is started: this one has some 10 MB, the bench far more.
"""

import json
import os
import resource
import subprocess
import sys
import time


def main() -> int:
    """Write {"wall_s", "cpu_s", "peak_bytes"} of the command and its children to RESULT; end as it ended."""
    result, *words = sys.argv[1:]
    started = time.perf_counter()
    status = subprocess.call(words)
    wall_s = time.perf_counter() - started
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    unit = 1 if sys.platform == "darwin" else 1024
    taken = {"wall_s": wall_s, "cpu_s": used.ru_utime + used.ru_stime, "peak_bytes": used.ru_maxrss * unit}
    with open(result, "w", encoding="ascii") as file:
        json.dump(taken, file)
    return status if status >= 0 else os.EX_SOFTWARE


if __name__ == "__main__":
    sys.exit(main())
