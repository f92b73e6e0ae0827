"""One session's way through a recording: which response comes next, and what comes after the last. Pure."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from ...model.bodies import text_of
from ...model.exchange import Exchange
from ...model.message import Request, Response
from ...protocols import PlaybackMode
from .echo import Pair, header_pairs, is_distinct, made_in_path, pairs_of, with_todays
from .matching import NEAREST, MatchRules, MatchView, NearMiss
from .recording_index import Tape
from .representation import (
    in_coding_for,
    is_conditional,
    is_fresh,
    not_modified,
    partial,
    range_of,
    wants_part,
    whole,
)  # fmt: skip
from .request_table import CREDENTIALS, Mismatch, fields_of, shown

How = Literal["exact", "role", "order"]
Shape = Literal["", "part", "whole", "not modified", "preflight"]  # what is given of the recorded response
Alike = tuple[Exchange, list[Mismatch]]  # a step, and the values that stand in a role

HEARD: Final = 200  # responses of upstreams whose values are remembered
LONGEST: Final = 256 << 10  # characters of one of them
DECODED: Final = 2 << 20  # bytes that one may hold without its coding, or none of its values are remembered
MOST_MEANT: Final = 256  # values of today that stand for recorded ones; kept with every exchange of the session
SAFE: Final = frozenset(("GET", "HEAD", "OPTIONS", "QUERY", "PROPFIND"))


@dataclass(frozen=True, slots=True)
class PlaybackMatch:
    """The step that answers."""

    exchange: Exchange
    how: How
    shape: Shape = ""
    sources: tuple[Exchange, ...] = ()  # the recorded steps that a part, or a whole, is made of
    apart: tuple[Mismatch, ...] = ()  # what was asked otherwise than recorded


def response_of(found: PlaybackMatch, asked: Request, opened: Callable[[Exchange], Exchange]) -> Response | None:
    """The response to a request as it was sent, secrets and all; None where a failure was recorded.

    `opened` gives a recorded step as this client may have it.
    """
    one = opened(found.exchange)
    response = one.response
    if response is None:
        return None
    sources = [each.response for each in map(opened, found.sources) if each.response is not None]
    if found.shape == "preflight":
        return preflight_response(asked, response)
    if found.shape == "part":
        response = partial(asked, sources) or response
    elif found.shape == "whole":
        response = whole(sources) or response
    elif found.shape == "not modified":
        response = not_modified(response)
    return in_coding_for(asked, with_todays(response, pairs_for(found, asked, one)))


def pairs_for(found: PlaybackMatch, asked: Request, opened: Exchange) -> tuple[Pair, ...]:
    """What today's client says otherwise than the recorded one, for whatever the recorded server repeats of it."""
    return (*pairs_of(found.apart, fields_of(asked, headers=True)), *header_pairs(opened.request, asked))


@dataclass(frozen=True, slots=True)
class Missed:
    """Nothing recorded answers the request; `live` says that the rules send it to the upstream then."""

    why: str
    near: tuple[NearMiss, ...] = ()
    live: bool = False


@dataclass(slots=True)
class Playback:
    """One session's way through a tape. Each has its own, so nobody moves another's place."""

    tape: Tape
    rules: MatchRules = field(default_factory=MatchRules)
    pace: float = 1.0  # streams wait as long as recorded, times this
    shift: bool = True  # dates, cookie expiries and Age as if recorded now
    clusters: tuple[str, ...] = ()
    answered: int = 0
    missed: int = 0
    position: int = 0  # the last step played that changed something
    _played: set[int] = field(default_factory=set)
    _meant: dict[str, str] = field(default_factory=dict)  # a value asked -> the recorded value in whose role it stood
    _heard: deque[str] = field(default_factory=lambda: deque(maxlen=HEARD))  # what upstreams answered this session

    def find(
        self, asked: Request, cluster: str, *, environment: str | None = None, failures: bool = True
    ) -> PlaybackMatch | Missed:
        """The step that answers.

        `environment` is what the request itself asked for; without `failures`, no recorded failure is given.
        """
        if self.rules.match == "by-order":
            found = self._by_order(asked, cluster, failures=failures)
        else:
            found = self._by_fields(asked, cluster, environment, failures=failures)
        if isinstance(found, Missed):
            self.missed += 1
        else:
            self.answered += 1
        return found

    def follow(self, asked: Request, cluster: str, *, status: int, environment: str | None = None) -> None:
        """The upstream answered this request: when it fails later on, the recording goes on from there."""
        if self.rules.match == "by-order":
            self._by_order(asked, cluster, failures=False)
            return
        same, _ = self._same(MatchView(self.tape, self.rules, asked, cluster, environment=environment, failures=False))
        chosen = next((one for one, _ in same if one.step not in self._played and one.status == status), None)
        if chosen is not None:
            self._pass(chosen, [one for one, _ in same])
            self._keep_roles(chosen, same)

    def heard(self, response: Response) -> None:
        """An upstream answered this session: the values in it are its client's to send."""
        text = text_of(response, DECODED)
        self._heard.append(" ".join((*(value for _, value in response.headers), (text or "")[:LONGEST])))

    def rewind(self) -> None:
        """From the first step on, again."""
        self._played.clear()
        self._meant.clear()
        self.position = 0

    def place(self) -> dict[str, Any]:
        """How far it is, as JSON knows it."""
        return {
            "answered": self.answered, "missed": self.missed, "position": self.position,
            "played": sorted(self._played), "meant": dict(self._meant),
        }  # fmt: skip

    def copy(self) -> Playback:
        """Another one at the same place, which moves alone: a thread searches with it."""
        return replace(self, _played=set(self._played), _meant=dict(self._meant), _heard=deque(self._heard, HEARD))

    def resume(self, place: Mapping[str, Any]) -> None:
        """Go on where `place` was."""
        self.answered, self.missed, self.position = place["answered"], place["missed"], place["position"]
        self._played, self._meant = set(place["played"]), dict(place["meant"])

    # -- by fields

    def _by_fields(
        self, asked: Request, cluster: str, environment: str | None, *, failures: bool
    ) -> PlaybackMatch | Missed:
        asked_now, asked = asked, self._in_recorded_words(asked)
        look = MatchView(self.tape, self.rules, asked, cluster, environment=environment, failures=failures)
        same, how = self._same(look)
        if not same:
            if (actual := look.preflighted()) is not None:
                return PlaybackMatch(actual, how, "preflight")
            parts = tuple(look.parts())
            if whole([one.response for one in parts if one.response]) is not None:
                return PlaybackMatch(parts[0], "exact", "whole", parts)
            why = _unmatched(asked, self.tape)
            if unknown := look.unknown_values():
                why = f"{why}: {unknown}"
            return Missed(why, look.nearest(self.position))
        steps = [one for one, _ in same]
        found = self._part(asked, steps, how) if wants_part(asked) else self._turn(steps, how)
        if not isinstance(found, PlaybackMatch):
            return found
        self._keep_roles(found.exchange, same)
        response = found.exchange.response
        if (
            not found.shape
            and response
            and response.status == 200
            and is_conditional(asked)
            and is_fresh(asked, response)
        ):
            found = replace(found, shape="not modified")
        now = MatchView(self.tape, self.rules, asked_now, cluster, environment=environment, failures=failures)
        apart = now.apart(found.exchange)
        self._keep_made(found.exchange, [each for each in apart if now.is_made(each)], asked.method)
        return replace(found, apart=(*apart, *self._stand_ins()))

    def _keep_made(self, one: Exchange, made: Sequence[Mismatch], method: str) -> None:
        """What today's client made up stands for the recorded value from now on."""
        for each in made:
            pairs = made_in_path(each, method) or [(str(each.recorded), str(each.asked))]
            for recorded, now in pairs:
                if recorded != now and is_distinct(recorded) and is_distinct(now):
                    self._mean({shown(now): self._meant.get(shown(now), shown(recorded))})

    def _stand_ins(self) -> list[Mismatch]:
        """Every value of today that stands for a recorded one, for responses that repeat one."""
        pairs = ((json.loads(now), json.loads(recorded)) for now, recorded in self._meant.items())
        return [
            Mismatch("stand-in", "", recorded, now) for now, recorded in pairs
            if isinstance(now, str) and isinstance(recorded, str) and is_distinct(now) and is_distinct(recorded)
        ]  # fmt: skip

    def _in_recorded_words(self, asked: Request) -> Request:
        """The request with the recorded values in the place of those that stand for them."""
        pairs = [(str(each.asked), str(each.recorded)) for each in self._stand_ins()]
        pairs = [pair for pair in pairs if pair[0] in asked.target or pair[0].encode() in asked.body.data]
        if not pairs:
            return asked
        target, data = asked.target, asked.body.data
        for now, recorded in pairs:
            target = target.replace(now, recorded)
            data = data.replace(now.encode(), recorded.encode())
        size = asked.body.size + len(data) - len(asked.body.data)
        return replace(asked, target=target, body=replace(asked.body, size=size, data=data, kept=None))

    def _part(self, asked: Request, same: Sequence[Exchange], how: How) -> PlaybackMatch | Missed:
        """The recorded part of this very range, else one cut out of what was recorded, else the whole."""
        parts = [one for one in same if one.status in (206, 416)]
        exact = [one for one in parts if range_of(one.request) == range_of(asked)]
        exact = [one for one in exact if one.request.header("if-range") == asked.header("if-range")]
        if exact:
            return self._turn(exact, how)
        others = [one for one in same if one not in parts]
        sources = tuple(one for one in (*others, *parts) if one.response is not None)
        if partial(asked, [one.response for one in sources if one.response]) is not None:
            return PlaybackMatch(sources[0], how, "part", sources)
        if others:
            return self._turn(others, how)
        near = tuple(NearMiss(one, (_range_apart(asked, one),)) for one in parts[:NEAREST])
        return Missed(f"the part {range_of(asked)} is in no recorded response", near)

    def _same(self, look: MatchView) -> tuple[list[Alike], How]:
        """The recorded steps of this request, in order: literally the same, else those that fit its roles best."""
        exact = look.exact()
        if exact:
            return [(one, []) for one in exact], "exact"
        alike = look.alike(self._is_known)
        conflicts = self._conflicts([roles for _, roles in alike])
        least = min(conflicts, default=0)
        return [pair for pair, count in zip(alike, conflicts, strict=True) if count == least], "role"

    def _is_known(self, one: Exchange, found: Mismatch) -> bool:
        """Whether this client can have a value that was not recorded at its place.

        A token is new at every sign-in; what a client makes up it makes up again; anything else it can have only from
        an upstream that answered this session, or because it stood for a recorded value before.
        """
        place = found.where, found.name
        if place[0] == "header" and place[1] in CREDENTIALS:
            return True
        if place in self.tape.fresh.get(one.step, ()) or shown(found.asked) in self._meant:
            return True
        word = re.compile(rf"(?<![A-Za-z0-9]){re.escape(str(found.asked))}(?![A-Za-z0-9])")
        return any(word.search(text) for text in self._heard)

    def _keep_roles(self, chosen: Exchange, same: Iterable[Alike]) -> None:
        roles = next(roles for one, roles in same if one is chosen)
        self._mean({shown(each.asked): shown(each.recorded) for each in roles})

    def _mean(self, roles: Mapping[str, str]) -> None:
        """Remember what stands for what; of too many, what was used longest ago is forgotten."""
        for now, recorded in roles.items():
            self._meant.pop(now, None)
            self._meant[now] = recorded
        for now in list(self._meant)[: max(0, len(self._meant) - MOST_MEANT)]:
            del self._meant[now]

    def _conflicts(self, choices: Sequence[Sequence[Mismatch]]) -> list[int]:
        """For each choice, how many values stood in another role before, or take a role that another value had."""
        if not self._meant:
            return [0] * len(choices)
        taken = {recorded: asked for asked, recorded in self._meant.items()}
        pairs = [[(shown(each.asked), shown(each.recorded)) for each in roles] for roles in choices]
        return [
            sum(
                2 * (self._meant.get(asked, recorded) != recorded) + (taken.get(recorded, asked) != asked)
                for asked, recorded in one
            )
            for one in pairs
        ]

    def _turn(self, same: Sequence[Exchange], how: How) -> PlaybackMatch | Missed:
        """The next of several recorded responses to one request.

        What a played write has made stale is passed over: who has paid does not get the 404 of before.
        """
        fresh = [one for one in same if one.step not in self._played]
        ahead = [one for one in fresh if one.step > self.position]
        if not fresh:
            return self._ended(same, how)
        chosen = ahead[0] if ahead else fresh[0]
        self._pass(chosen, same)
        return PlaybackMatch(chosen, how)

    def _pass(self, chosen: Exchange, same: Iterable[Exchange]) -> None:
        """The session is past this step, and past those of the same request that came before it."""
        self._played.update(one.step for one in same if one.step <= chosen.step)
        if chosen.method not in SAFE:
            self.position = max(self.position, chosen.step)

    def _ended(self, same: Sequence[Exchange], how: How) -> PlaybackMatch | Missed:
        """All recorded responses to this request were given."""
        end = self.rules.end
        if end == "last":
            return PlaybackMatch(same[-1], how)
        if end == "cycle":
            return self._again(same, how)
        times = f"{len(same)} time{'s' if len(same) != 1 else ''}"
        near = tuple(NearMiss(one, ()) for one in same[-NEAREST:])
        return Missed(f"its recorded answers are used up: it was recorded {times}", near, live=end == "live")

    def _again(self, same: Sequence[Exchange], how: How) -> PlaybackMatch:
        """Begin anew. A write begins everything anew that came after it."""
        first = same[0]
        if first.method in SAFE:
            self._played -= {one.step for one in same[1:]}
        else:
            self._played = {step for step in self._played if step <= first.step}
            self.position = first.step
        return PlaybackMatch(first, how)

    # -- by order

    def _by_order(self, asked: Request, cluster: str, *, failures: bool) -> PlaybackMatch | Missed:
        """The next step of the cluster, whatever was asked, if the method is right."""
        steps = [one for one in self.tape.by_cluster.get(cluster, ()) if failures or one.response is not None]
        if asked.method != "OPTIONS":  # browsers skip a preflight that they remember, and add one that they do not
            steps = [one for one in steps if not _is_preflight(one.request)] or steps
        elif _is_preflight(asked) and not any(
            one.step not in self._played and one.method == "OPTIONS" for one in steps
        ):
            look = MatchView(self.tape, self.rules, asked, cluster, environment=None, failures=failures)
            if (actual := look.preflighted()) is not None:
                return PlaybackMatch(actual, "order", "preflight")
        following = next((one for one in steps if one.step not in self._played), None)
        if following is None:
            if not steps:
                return Missed(f"recording {self.tape.title!r} has no step of {cluster}")
            same = [one for one in steps if one.method == asked.method] or steps
            if self.rules.end == "cycle":
                self._played -= {one.step for one in steps}
                return self._by_order(asked, cluster, failures=failures)
            return self._ended(same, "order")
        if following.method != asked.method:
            found = Mismatch("method", "", following.method, asked.method)
            return Missed(f"the next step of {cluster} is another request", (NearMiss(following, (found,)),))
        self._played.add(following.step)
        return PlaybackMatch(following, "order")


def _is_preflight(request: Request) -> bool:
    return request.method == "OPTIONS" and bool(request.header("access-control-request-method"))


def _range_apart(asked: Request, one: Exchange) -> Mismatch:
    return Mismatch("header", "range", one.request.header("range") or None, asked.header("range") or None)


def preflight_response(asked: Request, response: Response) -> Response:
    """What a server that answers a cross-origin request says to the preflight of it (Fetch standard, CORS)."""
    allowed = response.header("access-control-allow-origin")
    fields = [
        ("Access-Control-Allow-Origin", allowed if allowed == "*" else asked.header("origin")),
        ("Access-Control-Allow-Methods", asked.header("access-control-request-method")),
        ("Access-Control-Allow-Headers", asked.header("access-control-request-headers")),
        ("Access-Control-Allow-Credentials", response.header("access-control-allow-credentials")),
        ("Vary", "Origin"),
    ]
    return Response(status=204, reason="No Content", headers=tuple(pair for pair in fields if pair[1]))


def _unmatched(asked: Request, tape: Tape) -> str:
    path = asked.target.partition("?")[0]
    return f"recording {tape.title!r} has no answer to this {asked.method} {path}"


MODES: Final = ("playback", "playback-then-live", "live-then-playback")


@dataclass(frozen=True, slots=True)
class KeptPlayback:
    """A playback without its tape."""

    recording: str
    state: Mapping[str, Any]

    def on(self, tape: Tape) -> Playback:
        """The same place in the same recording; steps that are no longer there are not missed."""
        found = self.state
        rules = found["rules"]
        playback = Playback(
            tape,
            MatchRules(
                rules["match"], rules["end"], frozenset(rules["headers"]), frozenset(rules["query"]), rules["roles"],
                tuple(rules["json"]),
            ),
            pace=float(found["pace"]), shift=bool(found["shift"]), clusters=tuple(found["clusters"]),
        )  # fmt: skip
        playback.resume(found["place"])
        return playback


def kept(modes: Mapping[str, PlaybackMode]) -> str:
    """Empty when everything is live. Several clusters may share one playback, and share it again later."""
    if not modes:
        return ""
    playbacks = list({id(mode.playback): mode.playback for mode in modes.values()}.values())
    return json.dumps(
        {
            "playbacks": [_state(playback) for playback in playbacks],
            "clusters": {name: [mode.mode, playbacks.index(mode.playback)] for name, mode in modes.items()},
        }
    )


def _state(playback: Playback) -> dict[str, Any]:
    rules = playback.rules
    return {
        "recording": playback.tape.recording,
        "rules": {
            "match": rules.match, "end": rules.end, "headers": sorted(rules.headers), "query": sorted(rules.query),
            "roles": rules.roles, "json": list(rules.json),
        },
        "pace": playback.pace, "shift": playback.shift, "clusters": list(playback.clusters),
        "place": playback.place(),
    }  # fmt: skip


def read_kept(text: str) -> tuple[list[KeptPlayback], dict[str, tuple[str, int]]]:
    """The playbacks, and of each cluster its mode and which of them; ValueError when it is not what `kept` wrote."""
    try:
        found = json.loads(text)
        playbacks = [KeptPlayback(str(one["recording"]), one) for one in found["playbacks"]]
        clusters = {str(name): (str(mode), int(at)) for name, (mode, at) in found["clusters"].items()}
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"not what a session plays: {error}") from None
    if any(mode not in MODES or not 0 <= at < len(playbacks) for mode, at in clusters.values()):
        raise ValueError("not what a session plays: an unknown mode or playback")
    return playbacks, clusters
