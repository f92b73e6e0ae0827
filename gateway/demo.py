"""What the Python file of a demo imports: `from gateway.demo import call, cluster, step, what_if`. Pure."""

from .demos.definition.python_api import NoResponse, call, cluster, demo, field, routes, step, what_if
from .demos.definition.schema import Upload

__all__ = ["NoResponse", "Upload", "call", "cluster", "demo", "field", "routes", "step", "what_if"]
