"""How one step of a variant is changed: edited, elsewhere, with a fault, twice, in another place. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..errors import UsageError
from .branch import Edit
from .fault import Fault
from .plan import ReplayOptions


@dataclass(frozen=True, slots=True)
class StepChange:
    """`env` is cluster -> environment for this one step; `swap` the step with which it changes places, 0 for none."""

    edits: tuple[Edit, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    fault: Fault | None = None
    repeat: bool = False
    swap: int = 0

    def __str__(self) -> str:
        """ "path:4=978-9, catalogue@dev" """
        words = [*map(str, self.edits), *(f"{cluster}@{name}" for cluster, name in self.env.items())]
        words += [str(self.fault)] if self.fault else []
        words += ["sent twice"] if self.repeat else []
        return ", ".join([*words, f"in the place of step {self.swap}"] if self.swap else words)

    def wanted(self, step: int, steps: int, *, fresh: Sequence[str] = ()) -> ReplayOptions:
        """What a replay of a recording of `steps` steps shall do, with new values of the inputs `fresh`.

        UsageError when nothing is changed.
        """
        if self == StepChange() and not fresh:
            raise UsageError("nothing is changed", hint="set, unset, header, env, delay, status, repeat, swap, fresh")
        return ReplayOptions(
            edits={step: self.edits} if self.edits else {}, environments={step: self.env} if self.env else {},
            faults={step: self.fault} if self.fault else {}, order=self._order(step, steps), fresh=tuple(fresh),
        )  # fmt: skip

    def _order(self, step: int, steps: int) -> tuple[int, ...]:
        """The steps as they are sent; () as recorded."""
        if not (self.repeat or self.swap):
            return ()
        order = list(range(1, steps + 1))
        if step not in order or (self.swap and self.swap not in order):
            raise UsageError(f"the recording has no step {step if step not in order else self.swap}",
                             hint=f"it has 1 to {steps}")  # fmt: skip
        if self.swap:
            order[step - 1], order[self.swap - 1] = self.swap, step
        if self.repeat:
            order.insert(order.index(step), step)
        return tuple(order)
