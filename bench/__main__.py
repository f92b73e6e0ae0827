"""`python -m bench [correlation|proxies ...]` (make bench): every measurement, one after the other, or those named.

What follows a single name is for it: `python -m bench queries 100000 /tmp/store.db`.
"""

import sys
from pathlib import Path
from runpy import run_path

ALL = (
    "correlation",
    "differences",
    "proxies",
    "bodies",
    "latency",
    "memory",
    "sealing",
    "queries",
    "tls",
    "drift",
    "workers",
    "start",
)

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))  # as where each is run by itself

named = [word for word in sys.argv[1:] if word in ALL]
given = sys.argv[2:] if len(named) == 1 and sys.argv[1] in ALL else []
for name in named or ALL:
    sys.argv = [f"{name}.py", *given]
    print(f"-- {name}", flush=True)
    run_path(str(HERE / f"{name}.py"), run_name="__main__")
