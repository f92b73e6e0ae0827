"""Why a run has no answer to a step of the recording that it runs again, told from what it did answer. Pure.

What a replay says while it runs is not stored. A value that a step needs and the run never got is found again; else it
is said where the run ended.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..model.exchange import Exchange
from .correlation import Binding, Correlations, extract
from .plan import outline, told
from .runs import Comparison


def unsent(comparison: Comparison, correlations: Correlations) -> Mapping[int, str]:
    """step of the recording -> why it was not sent; `correlations` are those of the recording."""
    found: dict[int, str] = {}
    answers: dict[int, Exchange] = {}
    gone = [pair.recorded for pair in comparison.steps if pair.recorded and not pair.replayed]
    for pair in comparison.steps:
        if pair.recorded and pair.replayed:
            answers[pair.recorded.step] = pair.replayed
    last, stopped = max(answers, default=0), 0
    for one in gone:
        if stopped and one.step > last:
            found[one.step] = f"the run stopped at step {stopped}"
        elif lacking := _lacking(one.step, correlations, answers):
            found[one.step] = lacking
            stopped = one.step
        else:
            found[one.step] = f"the run ended after step {last}" if last and one.step > last else "it was left out"
    return found


def _lacking(step: int, correlations: Correlations, answers: Mapping[int, Exchange]) -> str:
    """The first value that the step needs and that came in no answer of the run; "" when all came."""
    for binding in correlations.of_step(step):
        if (answer := answers.get(binding.source.step)) and not _is_there(binding, answers):
            came = f"{answer.response.status} with {outline(answer.response)}" if answer.response else "nothing"
            return f"{binding.variable} is missing: it comes from {told(binding.source)}, which answered {came}"
    return ""


def _is_there(binding: Binding, answers: Mapping[int, Exchange]) -> bool:
    sources = (binding.source, *binding.alternates)
    return any(
        extract(answers[one.step], one, binding.transforms) is not None for one in sources if one.step in answers
    )
