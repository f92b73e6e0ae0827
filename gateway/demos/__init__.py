"""Demos: demo.yaml -> step pages -> calls through the gateway. I/O; config to result inside are pure."""

from .definition import python_steps as code  # the public name: a demo's own Python file imports it
from .definition.parse import ParsedDemo, parse_demo
from .pages import setup
from .registry import DemosKeeper, demo_folder

__all__ = ["DemosKeeper", "ParsedDemo", "code", "demo_folder", "parse_demo", "setup"]
