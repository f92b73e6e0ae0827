"""Which value of an earlier response a later request needs, found without a script, and put in again. Pure."""

from .confirming import confirm
from .declared import read_declared
from .extract import evaluate, extract
from .finding import correlate
from .model import Binding, Correlations, Decisions, Declared, Input, MissingValue, Sink, Source
from .rebind import rebind, rewrite
from .scoring import Rules

__all__ = [
    "Binding", "Correlations", "Decisions", "Declared", "Input", "MissingValue", "Rules", "Sink", "Source", "confirm",
    "correlate", "evaluate", "extract", "read_declared", "rebind", "rewrite",
]  # fmt: skip
