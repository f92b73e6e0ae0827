"""SOAP envelopes: the element in the body, and what a fault says. Pure.

SOAP 1.1 section 4.4, SOAP 1.2 part 1 section 5.4. Read by expat, as far as
it is needed. A document type is refused: its entities may expand without end.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Final
from xml.parsers import expat

_SAYS: Final = {"faultstring", "Text"}  # of 1.1 and of 1.2
_LONGEST: Final = 2_000  # characters that a fault may say


def body_element(data: bytes) -> str:
    """The local name of the first child of the envelope's Body; "" where the XML is no envelope, or cut before it."""
    return _Reading(wants_fault=False).of(data).element


def fault(data: bytes) -> str | None:
    """What the Fault in the envelope's Body says, "" where it says nothing; None where there is no fault."""
    found = _Reading(wants_fault=True).of(data)
    return " ".join(found.says.split()) if found.element == "Fault" else None


class _Enough(Exception):
    """What was looked for was found, or cannot be there."""


class _Reading:
    """One walk through an envelope, no further than needed."""

    def __init__(self, *, wants_fault: bool) -> None:
        self.element = ""
        self.says = ""
        self._wants_fault = wants_fault
        self._path: list[str] = []
        self._in_words = False

    def of(self, data: bytes) -> _Reading:
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.StartDoctypeDeclHandler = self._refuse
        with suppress(_Enough, expat.ExpatError):  # a cut or broken text says what it said so far
            parser.Parse(data, False)
        return self

    def _start(self, name: str, _attributes: dict[str, str]) -> None:
        self._path.append(name.rpartition(" ")[2])
        depth = len(self._path)
        if depth == 1 and self._path[0] != "Envelope":
            raise _Enough
        if depth == 3 and self._path[1] == "Body":
            self.element = self._path[2]
            if not self._wants_fault or self.element != "Fault":
                raise _Enough
        self._in_words = "Fault" in self._path[2:3] and self._path[-1] in _SAYS

    def _characters(self, text: str) -> None:
        if self._in_words:
            self.says = (self.says + text)[:_LONGEST]

    def _end(self, _name: str) -> None:
        if self._in_words and self.says.strip():
            raise _Enough
        self._path.pop()
        self._in_words = False

    @staticmethod
    def _refuse(*_: object) -> None:
        raise _Enough
