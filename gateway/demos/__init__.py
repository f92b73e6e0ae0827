"""Demos: demo.yaml -> step pages -> calls through the gateway. I/O; config to result inside are pure."""

from .keeper import DemosKeeper, demo_folder
from .pages import setup
from .parse import Parsed, parse_demo

__all__ = ["DemosKeeper", "Parsed", "demo_folder", "parse_demo", "setup"]
