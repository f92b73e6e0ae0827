"""`python -m bench [correlation|proxies ...]` (make bench): every measurement, one after the other, or those named."""

import sys
from pathlib import Path
from runpy import run_path

ALL = ("correlation", "differences", "proxies", "bodies", "latency", "memory", "queries")

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))  # as where each is run by itself

for name in [word for word in sys.argv[1:] if word in ALL] or ALL:
    sys.argv = [f"{name}.py"]
    print(f"-- {name}", flush=True)
    run_path(str(HERE / f"{name}.py"), run_name="__main__")
