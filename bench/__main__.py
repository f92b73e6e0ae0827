"""`python -m bench [correlation|proxies ...]` (make bench): every measurement, one after the other, or those named."""

import sys
from pathlib import Path
from runpy import run_path

ALL = ("correlation", "differences", "proxies", "bodies", "latency", "memory", "queries")

for name in [word for word in sys.argv[1:] if word in ALL] or ALL:
    run_path(str(Path(__file__).parent / f"{name}.py"), run_name="__main__")
