"""`python -m bench` (make bench): every measurement, one after the other."""

from pathlib import Path
from runpy import run_path

run_path(str(Path(__file__).parent / "proxies.py"), run_name="__main__")
