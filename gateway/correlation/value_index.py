"""What responses have shown so far, by value, and what the client had said before them. Pure."""

from __future__ import annotations

from typing import Final

from .information import is_rare
from .lexicon import NATURAL
from .names import NEAR, NONE, Role, affinity, is_lock
from .response_value import ValuePlace

EACH: Final = 4  # places kept of one value under one role: the first ones, and always the last
VERSIONS: Final = 64  # of a version: many things have a third one


class ShownValue:
    """A place and the exchange that has it."""

    __slots__ = ("made", "order", "place", "step", "subject")

    def __init__(self, order: int, step: int, place: ValuePlace, subject: str, made: str = "") -> None:
        self.order, self.step, self.place, self.subject = order, step, place, subject
        self.made = made  # the path of the POST whose response this is: what it made lies below


Key = tuple[Role, str]


class Index:
    """Values of responses by role, without those that the client had said first."""

    def __init__(self, *, echo: bool = True) -> None:
        self._shown: dict[str, dict[Key, list[ShownValue]]] = {}
        self._said: dict[str, dict[Role, int]] = {}  # role -> the order of the first request that had it so
        self._echo = echo
        self.cookies: set[str] = set()

    def said(self, value: str, role: Role, order: int) -> None:
        """A request has this value, and no response had it before; `order` counts the exchanges."""
        self._said.setdefault(value, {}).setdefault(role, order)

    def said_at(self, value: str, role: Role) -> int | None:
        """The order of the first request that had the value under this very name."""
        return self._said.get(value, {}).get(role)

    def show(
        self, order: int, step: int, place: ValuePlace, subject: str, *, anew: bool = False, made: str = ""
    ) -> None:
        """A response about `subject` has this value; an echo of what the client had said is no product.

        `anew` is a thing just made: whatever had its number before is gone.
        """
        if place.part == "cookie":
            self.cookies.add(place.name)
        elif self._echo and place.value in self._said and self._is_echo(place):
            return
        roles = self._shown.setdefault(place.value, {})
        found = roles.setdefault((place.role, place.part), [])
        shown = ShownValue(order, step, place, subject, made)
        if anew and not is_rare(place.value):
            found.clear()
        if len(found) < EACH or (len(found) < VERSIONS and is_lock(place.role)):
            found.append(shown)
        else:
            found[-1] = shown

    def _is_echo(self, place: ValuePlace) -> bool:
        """A small number is an echo only of the same thing: the quantity 2 does not make the order 2 one."""
        if self.knows(place.value, place.role):
            return False  # already a product of another response
        if is_rare(place.value):
            return True
        return any(_same_thing(place.role, role) for role in self._said[place.value])

    def of(self, value: str) -> dict[Key, list[ShownValue]]:
        return self._shown.get(value, {})

    def knows(self, value: str, role: Role) -> bool:
        """Whether a response has shown the value, as the same thing when it is a small one."""
        roles = self._shown.get(value)
        if not roles:
            return False
        return is_rare(value) or any(affinity(shown, role)[0] >= NEAR for shown, _ in roles)


def _same_thing(shown: Role, said: Role) -> bool:
    """Whether a small number that the client said is the one shown; a new line's id is not its `sku` of that number."""
    if shown.words == said.words and shown.is_many == said.is_many:  # two seats are not seat 2
        return True
    own = set(said.words) & NATURAL and not set(shown.words) & NATURAL
    return not own and affinity(shown, said)[0] > NONE
