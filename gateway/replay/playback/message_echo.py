"""What today's client made up in its WebSocket messages, put into the recorded server's messages. Pure.

A recorded socket speaks in turns: the client's third message of today stands for its third of the recording. What the
two have otherwise at one place, and what a client makes up for every call, is repeated by the server's replies, under
the same name or under that of a reply. Protocols number their calls in their own ways:

    JSON-RPC, GraphQL over WebSocket, DDP    {"id": 7, "method": ...}     ->  {"id": 7, "result": ...}
    Jupyter                                  {"header": {"msg_id": ...}}  ->  {"parent_header": {"msg_id": ...}}
    Mattermost, Slack                        {"seq": 7}, {"id": 7}        ->  {"seq_reply": 7}, {"reply_to": 7}
    Phoenix, WAMP, OCPP                      ["1", "7", ...], [48, 7, ...] -> ["1", "7", ...], [50, 7, ...]
    Socket.IO                                427["join"]                  ->  437["ok"]
    STOMP                                    receipt:7, id:sub-0          ->  receipt-id:7, subscription:sub-0
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from ...correlation.information import HIGH, bits_of
from ...correlation.json_values import Path, parse, scalars
from .echo import IN_BODY, Pair, is_distinct, plain
from .request_table import Scalar

Named = tuple[str, Scalar, Scalar]  # the name of a place, what was recorded there, what is there today

# How a client numbers its calls, and how servers name that number in a reply, without case and separators.
CALLS: Final = IN_BODY | frozenset(
    ("id", "ref", "joinref", "seq", "cid", "rid", "callid", "nonce", "tag", "transaction")
)
REPLIES: Final = frozenset((
    "replyto", "inreplyto", "seqreply", "requestseq", "responseto", "correlationid", "parentid", "requestid", "callid",
))  # fmt: skip
# Members beside an `id` that make it the number of a call; beside `type` alone it may as well be the id of a thing.
OF_A_CALL: Final = frozenset(
    ("method", "params", "jsonrpc", "msg", "payload", "query", "target", "arguments", "command")
)
SHORT: Final = 3  # digits from which an id beside `type` alone is rather that of a thing
WORD: Final = re.compile(r"[A-Za-z0-9_.:+/=-]{8,}")
SOCKET_IO: Final = re.compile(r"(4[2356](?:\d+-)?(?:/[^,\[]*,)?)(\d+)(?=\[)")
STOMP: Final = re.compile(r"[A-Z]+\r?\n(?:[\w-]+:[^\n]*\n)*\r?\n", re.ASCII)
LINE: Final = re.compile(r"(?m)^([\w-]+):([^\r\n]*)")
OF_STOMP: Final = {"receipt": "receipt-id", "id": "subscription", "transaction": "transaction"}


class MessageEcho:
    """What stands for what in one conversation; `pairs` are those of its handshake."""

    def __init__(self, pairs: Iterable[Pair] = ()) -> None:
        self._long: dict[str, str] = {}  # wherever it stands as a word
        self._short: dict[tuple[str, str], str] = {}  # (name, JSON token) -> today's
        for pair in pairs:
            if is_distinct(str(pair.recorded)) and is_distinct(str(pair.asked)):
                self._long[str(pair.recorded)] = str(pair.asked)

    def asked(self, recorded: bytes, today: bytes) -> None:
        """Compare a message of the recorded client with today's in its place."""
        one, other = (each.decode("utf-8", "replace") for each in (recorded, today))
        for name, before, after in _apart(one, other):
            if before == after or type(before) is not type(after):
                continue
            if all(isinstance(each, str) and _is_random(each) for each in (before, after)):
                self._long[str(before)] = str(after)
            elif name.startswith("#") or plain(name) in CALLS:
                key = name if name.startswith("#") else plain(name)
                self._short[key, json.dumps(before)] = json.dumps(after)

    def told(self, message: bytes) -> bytes:
        """A message of the recorded server with today's values; itself where it repeats none."""
        if not self._long and not self._short:
            return message
        try:
            text = message.decode()
        except UnicodeDecodeError:
            return message
        changed = self._with_short(text) if self._short else text
        if self._long:
            words = "|".join(re.escape(each) for each in sorted(self._long, key=len, reverse=True))
            changed = re.sub(
                rf"(?<![A-Za-z0-9])(?:{words})(?![A-Za-z0-9])", lambda found: self._long[found[0]], changed
            )
        return message if changed == text else changed.encode()

    def _with_short(self, text: str) -> str:
        if match := SOCKET_IO.match(text):
            return f"{match[1]}{self._of('#ack', match[2])}{text[match.end() :]}"
        if match := STOMP.match(text):
            return (
                LINE.sub(lambda found: f"{found[1]}:{self._of(f'#{found[1]}', found[2])}", match[0])
                + text[match.end() :]
            )
        parts, end = [], 0
        for start, stop, path in self._numbers(text):
            now = self._now(path, text[start:stop])
            if now != text[start:stop]:
                parts += [text[end:start], now]
                end = stop
        return "".join([*parts, text[end:]])

    @staticmethod
    def _numbers(text: str) -> list[tuple[int, int, Path]]:
        try:
            parse(text)
        except ValueError:
            return []
        return list(scalars(text))

    def _now(self, path: Path, token: str) -> str:
        """Today's token for one at this place of a reply: an `id` counts at the top, other names anywhere."""
        if len(path) == 1 and isinstance(path[0], int):
            return self._short.get((f"#{path[0]}", token), token)
        name = plain(str(path[-1])) if path else ""
        top = len([part for part in path if isinstance(part, str)]) == 1
        if (name == "id" and not top) or isinstance(path[-1] if path else "", int):
            return token
        now = self._short.get((name, token))
        if now is None and name in REPLIES:
            now = next((after for (_, before), after in self._short.items() if before == token), None)
        return token if now is None else now

    def _of(self, name: str, value: str) -> str:
        """Today's for a value that is written without quotes."""
        return str(json.loads(self._short.get((name, json.dumps(value)), json.dumps(value))))


def _apart(one: str, other: str) -> Iterator[Named]:
    """The scalars of two messages at the same places, by name; "#..." are the places of a protocol's own head."""
    heads = SOCKET_IO.match(one), SOCKET_IO.match(other)
    if heads[0] and heads[1]:
        yield "#ack", heads[0][2], heads[1][2]
        return
    frames = STOMP.match(one), STOMP.match(other)
    if frames[0] and frames[1]:
        now = dict(LINE.findall(frames[1][0]))
        for name, value in LINE.findall(frames[0][0]):
            if name in OF_STOMP and name in now:
                yield f"#{OF_STOMP[name]}", value, now[name]
        return
    try:
        documents = json.loads(one), json.loads(other)
    except ValueError:
        if _is_random(one.strip()) and _is_random(other.strip()):
            yield "", one.strip(), other.strip()
        return
    yield from _members(*documents, "", top=True)


def _members(one: Any, other: Any, name: str, *, top: bool = False) -> Iterator[Named]:
    if isinstance(one, dict) and isinstance(other, dict):
        numbered = top and _numbers_a_call(one)
        for key in one:
            if key in other:
                yield from _members(one[key], other[key], key if key != "id" or numbered else "")
    elif isinstance(one, list) and isinstance(other, list):
        for at, (before, after) in enumerate(zip(one, other, strict=False)):
            batch = top and isinstance(before, dict)
            yield from _members(before, after, f"#{at}" if top and at < 2 else "", top=batch)
    elif isinstance(one, str | int) and not isinstance(one, bool):
        yield name, one, other


def _numbers_a_call(message: dict[str, Any]) -> bool:
    """Whether the `id` of a message is the number of a call rather than the name of a thing."""
    return bool(OF_A_CALL & message.keys()) or ("type" in message and len(str(message.get("id", ""))) < SHORT)


# Names under which a message carries its own number, never the id of a thing.
NUMBERS: Final = frozenset((
    "seq", "cid", "rid", "reqid", "requestid", "msgid", "messageid", "callid", "nonce", "invocationid", "clientmsgid",
))  # fmt: skip


def call_numbers(message: Any) -> frozenset[str]:
    """The JSON pointers of a client's message under which it numbers itself: no response gave these values."""
    if isinstance(message, list):
        head = [f"/{at}" for at, each in enumerate(message[:2]) if not isinstance(each, dict | list)]
        return frozenset(head if len(message) > 2 else ())
    if not isinstance(message, dict):
        return frozenset()
    own = {f"/{name}" for name in message if plain(name) in NUMBERS}
    return frozenset(own | {"/id"} if "id" in message and _numbers_a_call(message) else own)


def _is_random(text: str) -> bool:
    return WORD.fullmatch(text) is not None and bits_of(text) >= HIGH and is_distinct(text)
