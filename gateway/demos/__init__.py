"""Demos: demo.yaml -> step pages -> calls through the gateway. I/O; config to result inside are pure."""

from .code_modules import CodeModules
from .definition import python_api as code  # the public name: a demo's own Python file imports it
from .definition.parse import ParsedDemo, parse_demo
from .pages import setup
from .registry import DemosKeeper, demo_folder, shown
from .run_sources import route_files

__all__ = [
    "CodeModules",
    "DemosKeeper",
    "ParsedDemo",
    "code",
    "demo_folder",
    "parse_demo",
    "route_files",
    "setup",
    "shown",
]
