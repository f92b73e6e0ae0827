"""Demos: demo.yaml -> step pages -> calls through the gateway. I/O; config to result inside are pure."""

from .definition import python_api as code  # the public name: a demo's own Python file imports it

__all__ = ["code"]
