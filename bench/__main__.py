"""`python -m bench` (make bench): every measurement, one after the other."""

from pathlib import Path
from runpy import run_path

for name in ("correlation.py", "proxies.py"):
    run_path(str(Path(__file__).parent / name), run_name="__main__")
