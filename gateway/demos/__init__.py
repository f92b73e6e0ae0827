"""Demos: demo.yaml -> step pages -> calls through the gateway. I/O; config to result inside are pure."""

from . import python_steps as code  # the public name: a demo's own Python file imports it
from .pages import setup
from .parse import Parsed, parse_demo
from .registry import DemosKeeper, demo_folder

__all__ = ["DemosKeeper", "Parsed", "code", "demo_folder", "parse_demo", "setup"]
