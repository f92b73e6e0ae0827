"""OpenAPI 3.1 of what was seen: one description per cluster, or all in one. Pure."""

from .document import SUFFIX, dump, file_of, files
from .observed_operations import ObservedOperation, Sample, inexpressible, operations, tags

__all__ = ["SUFFIX", "ObservedOperation", "Sample", "dump", "file_of", "files", "inexpressible", "operations", "tags"]
