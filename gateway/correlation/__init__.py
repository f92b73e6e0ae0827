"""Which value of an earlier response a later request needs, found without a script, and put in again. Pure."""

from .decisions import Verdicts, checked, confirm, judged, proved
from .declarations import read_declared
from .extract import evaluate, extract
from .finder import correlate
from .model import (
    Binding,
    Correlations,
    Decisions,
    Declared,
    Input,
    MissingValue,
    Sink,
    Source,
    Unbound,
    correlations_json,
)
from .rebind import rebind, rewrite
from .scoring import ScoringRules

__all__ = [
    "Binding", "Correlations", "Decisions", "Declared", "Input", "MissingValue", "ScoringRules", "Sink", "Source",
    "Unbound", "Verdicts", "checked", "confirm", "correlate", "correlations_json", "evaluate", "extract", "judged",
    "proved", "read_declared", "rebind", "rewrite",
]  # fmt: skip
