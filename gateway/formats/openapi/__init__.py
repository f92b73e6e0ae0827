"""OpenAPI 3.1 of what was seen: one description per cluster, or all in one. Pure."""

from .document import SUFFIX, dump, file_of, files
from .seen import Operation, operations, tags

__all__ = ["SUFFIX", "Operation", "dump", "file_of", "files", "operations", "tags"]
