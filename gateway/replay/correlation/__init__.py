"""Which value of an earlier response a later request needs, found without a script, and put in again. Pure."""

from .as_json import correlations_json
from .confirming import confirm, judged, proved
from .deciding import Verdicts, checked
from .declared import read_declared
from .extract import evaluate, extract
from .finding import correlate
from .model import Binding, Correlations, Decisions, Declared, Input, MissingValue, Sink, Source
from .rebind import rebind, rewrite
from .scoring import Rules

__all__ = [
    "Binding", "Correlations", "Decisions", "Declared", "Input", "MissingValue", "Rules", "Sink", "Source", "Verdicts",
    "checked", "confirm", "correlate", "correlations_json", "evaluate", "extract", "judged", "proved", "read_declared",
    "rebind", "rewrite",
]  # fmt: skip
