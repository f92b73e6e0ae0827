"""Sessions made up by a dice: backends of varied style whose values carry tags, so that the truth is known.

The same seed with another `shift` is the same client at another backend: its counters stand elsewhere, its random ids
and tokens are others. What a client then sends is what a replay must send.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import quote
from uuid import UUID

from sessions import Labelled, Side, Step, chain

NOUNS = (
    "order", "customer", "invoice", "project", "ticket", "device", "room", "booking", "message", "category", "vehicle",
    "contract", "playlist", "warehouse",
)  # fmt: skip
WORDS = ("red", "north", "draft", "Lovelace", "alpha", "pending", "large", "Berlin")
KINDS = ("small", "large", "uuid", "code", "slug")


@dataclass
class Tagged:
    """A value and the thing it names."""

    value: Any
    tag: str


@dataclass
class World:
    """A backend and its client. `dice` makes the decisions, `mint` the ids."""

    dice: Random
    mint: Random
    shift: int
    labelled: Labelled
    steps: list[Step] = field(default_factory=list)
    shown: dict[str, list[str]] = field(default_factory=dict)  # tag -> sources
    things: dict[str, list[Tagged]] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    own: set[str] = field(default_factory=set)  # tags that the client said first
    counter: int = 0
    token: Tagged | None = None

    def __post_init__(self) -> None:
        dice = self.dice
        self.kind = dice.choice(KINDS)
        self.camel, self.wrapped, self.location = dice.random() < 0.5, dice.random() < 0.4, dice.random() < 0.5
        self.counter = dice.randint(1, 9) if self.kind == "small" else dice.randint(1000, 90000)
        self.counter += self.shift * 137
        self.prefix = dice.choice(("/api", "/api/v1", "", "/rest"))
        self.nouns = dice.sample(NOUNS, 3)
        self.bearer = dice.random() < 0.7

    # -- what the backend makes

    def new(self, noun: str) -> Tagged:
        self.counter += self.dice.randint(1, 3)
        tag = f"{noun}/{len(self.things.get(noun, ()))}"
        value: Any = self.counter
        if self.kind == "uuid":
            value = str(UUID(int=self.mint.getrandbits(128), version=4))
        elif self.kind == "code":
            value = f"{noun[:2].upper()}-{self.mint.getrandbits(40):X}"
        elif self.kind == "slug":
            value = f"{noun}-{self.dice.choice(WORDS).lower()}-{self.counter}"
        thing = Tagged(value, tag)
        self.things.setdefault(noun, []).append(thing)
        self.versions[tag] = 1
        return thing

    def name(self, noun: str, what: str = "id") -> str:
        return f"{noun}{what.capitalize()}" if self.camel else f"{noun}_{what}"

    def noise(self) -> dict[str, Any]:
        dice = self.dice
        words = {"title": dice.choice(WORDS), "quantity": dice.randint(1, 9), "size": dice.randint(1, 40)}
        return dict(dice.sample(sorted(words.items()), 2))

    def body(self, noun: str, thing: Tagged, *, version: bool) -> dict[str, Any]:
        found: dict[str, Any] = {"id": thing, **self.noise(), "status": "open"}
        if version:
            found["version"] = Tagged(self.versions[thing.tag], f"{thing.tag}/v{self.versions[thing.tag]}")
        return {noun: found} if self.wrapped else found

    # -- what the client does

    def call(self, method: str, path: list[Any], answer: Any, *, status: int = 200, **sent: Any) -> None:
        number = len(self.steps) + 1
        parts = [part for part in self.prefix.split("/") if part] + path
        target = "/" + "/".join(quote(str(_plain(part)), safe="") for part in parts)
        needed = [(f"{number}:path:{at}", part) for at, part in enumerate(parts, 1) if isinstance(part, Tagged)]
        query = sent.get("query", {})
        if query:
            target += "?" + "&".join(f"{name}={quote(str(_plain(value)), safe='')}" for name, value in query.items())
            needed += [(f"{number}:query:{name}", value) for name, value in query.items() if isinstance(value, Tagged)]
        step = Step(method, target, status)
        if self.token is not None:
            step.request.headers.append(("Authorization", f"Bearer {self.token.value}"))
            needed.append((f"{number}:header:authorization", self.token))
        if (body := sent.get("body")) is not None:
            step.request.body = [json.dumps(_plain(body))]
            needed += [(f"{number}:json:{pointer}", value) for pointer, value in _tagged(body, "")]
        for place, value in needed:
            if value.tag not in self.shown:
                self.own.add(value.tag)
            if value.tag not in self.own:
                self.labelled.links[place] = tuple(self.shown[value.tag])
        self._answer(step, number, answer, sent.get("location"))
        self.steps.append(step)

    def _answer(self, step: Step, number: int, answer: Any, location: list[Any] | None) -> None:
        step.response = Side(body=[json.dumps(_plain(answer))])
        for pointer, value in _tagged(answer, ""):
            self.shown.setdefault(value.tag, []).append(f"{number}:json:{pointer}")
        if location:
            step.response.headers.append(("Location", self.prefix + "/" + "/".join(str(_plain(p)) for p in location)))
            self.shown.setdefault(location[-1].tag, []).append(f"{number}:location:location#segment=-1")

    def login(self) -> None:
        token = Tagged(f"sealed_{''.join(self.mint.choices('abcdefghijklmnopqrstuvwxyz234567', k=20))}_64", "token")
        self.call("POST", ["login"], {"access_token": token, "expires_in": 3600}, body={"user": "ada"})
        self.token = token

    def create(self) -> None:
        noun = self.dice.choice(self.nouns)
        sent: dict[str, Any] = self.noise()
        parent = self.dice.choice(self.nouns)
        if parent != noun and self.things.get(parent) and self.dice.random() < 0.7:
            known = [one for one in self.things[parent] if one.tag in self.shown]
            if known:
                sent[self.name(parent)] = self.dice.choice(known)
        thing = self.new(noun)
        location = [f"{_plural(noun)}", thing] if self.location else None
        answer = self.body(noun, thing, version=True) | ({} if self.wrapped else sent)
        self.call("POST", [_plural(noun)], answer, status=201, body=sent, location=location)

    def read(self) -> None:
        noun, thing = self.pick()
        self.call("GET", [_plural(noun), thing], self.body(noun, thing, version=True))

    def update(self) -> None:
        noun, thing = self.pick()
        version = Tagged(self.versions[thing.tag], f"{thing.tag}/v{self.versions[thing.tag]}")
        sent = {**self.noise(), **({"version": version} if version.tag in self.shown else {})}
        self.versions[thing.tag] += 1
        self.call("PUT", [_plural(noun), thing], self.body(noun, thing, version=True), body=sent)

    def list_all(self) -> None:
        noun = self.dice.choice(self.nouns)
        for _ in range(self.dice.randint(1, 4)):
            self.new(noun)
        items = [{"id": one, **self.noise()} for one in self.things[noun][-20:]]
        query = {"page": 1, "limit": self.dice.randint(1, 50)} if self.dice.random() < 0.6 else {}
        answer = {self.dice.choice(("items", "data", _plural(noun))): items, "count": len(items), "page": 1}
        self.call("GET", [_plural(noun)], answer, query=query)

    def children(self) -> None:
        noun, thing = self.pick()
        other = self.dice.choice([each for each in NOUNS if each not in self.nouns])
        self.call("GET", [_plural(noun), thing, _plural(other)], {"items": [], "total": self.dice.randint(0, 9)})

    def search(self) -> None:
        noun, thing = self.pick()
        other = self.dice.choice([each for each in self.nouns if each != noun])
        self.call("GET", [_plural(other)], {"items": [], "count": 0}, query={self.name(noun): thing, "sort": "title"})

    def pick(self) -> tuple[str, Tagged]:
        """Something that the client has seen; when there is nothing, something it knows by itself."""
        seen = [(noun, one) for noun in self.nouns for one in self.things.get(noun, ()) if one.tag in self.shown]
        if seen:
            return self.dice.choice(seen)
        noun = self.dice.choice(self.nouns)
        return noun, self.new(noun)


def generated(seed: int, steps: int = 30, *, shift: int = 0) -> Labelled:
    """A session of about so many steps."""
    dice = Random(seed)
    world = World(dice, Random(seed * 1000 + shift), shift, Labelled(f"generated {seed}", "generated"))
    world.labelled.kind = f"generated, {world.kind} ids"
    if world.bearer:
        world.login()
    actions = (world.create, world.create, world.read, world.read, world.update, world.list_all, world.children,
               world.search)  # fmt: skip
    while len(world.steps) < steps:
        dice.choice(actions)()
    world.labelled.exchanges = chain(world.steps)
    return world.labelled


def _plural(noun: str) -> str:
    return noun[:-1] + "ies" if noun.endswith("y") else noun + "s"


def _plain(value: Any) -> Any:
    if isinstance(value, Tagged):
        return value.value
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


def _tagged(value: Any, pointer: str) -> list[tuple[str, Tagged]]:
    if isinstance(value, Tagged):
        return [(pointer, value)]
    if isinstance(value, dict):
        return [found for name, inner in value.items() for found in _tagged(inner, f"{pointer}/{name}")]
    if isinstance(value, list):
        return [found for at, inner in enumerate(value) for found in _tagged(inner, f"{pointer}/{at}")]
    return []
