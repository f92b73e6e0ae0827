"""curl commands that send exchanges as they were recorded, byte for byte, as an exchange's page offers them. Pure."""

from __future__ import annotations

import re
from base64 import encodebytes
from collections.abc import Iterator, Sequence

from ...diagrams import Call, sequence
from ...diagrams.diagram import calls
from ...model.exchange import Exchange
from ...model.headers import FRAMING, HOP_BY_HOP
from ...model.recording import Recording
from ...model.text import clean
from ..format import ALONE, Beside, Recordings
from ..scenario.sealed_secrets import Secrets
from ..urls import ascii_url, split_origin
from .shell_quoting import quoted

ARGUMENT = 64 << 10  # bytes; Linux refuses a single argument of 128 KiB
# curl writes these itself, for the connection it really has.
_OURS = frozenset((*HOP_BY_HOP, *FRAMING, "accept-encoding"))
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 section 5.6.2

_HEAD = """\
#!/usr/bin/env bash
# {title}
# Written by What-If Gateway {version}. Send it elsewhere: BASE_URL=http://127.0.0.1:9000 bash THIS_FILE
set -eu

OPTIONS=(--silent --show-error --include --globoff --path-as-is --http1.1)
step() {{ printf '\\n== %s\\n' "$1" >&2; }}
"""


def dump(recordings: Recordings, *, version: str, beside: Beside = ALONE) -> str:
    """Recordings follow each other in one script."""
    everything = [exchange for _, exchanges in recordings for exchange in exchanges]
    secrets, origins = Secrets(everything), _origins(everything)
    title = "; ".join(clean(recording.title or recording.id) for recording, _ in recordings)
    parts = [_HEAD.format(title=title, version=clean(version)), *_settings(origins, secrets)]
    for recording, exchanges in recordings:
        parts += _recording(recording, exchanges, origins, secrets)
    return "\n".join(parts)


def _origins(exchanges: Sequence[Exchange]) -> dict[str, str]:
    """BASE_URL for the first public origin, BASE_URL_2 and so on for others."""
    found = list(dict.fromkeys(split_origin(exchange.url)[0] for exchange in exchanges))
    return {origin: f"BASE_URL_{index}" if index > 1 else "BASE_URL" for index, origin in enumerate(found, 1)}


def _settings(origins: dict[str, str], secrets: Secrets) -> Iterator[str]:
    for origin, name in origins.items():
        yield f"{name}=${{{name}:-{quoted(ascii_url(origin).encode())}}}"
    if secrets.places:
        yield "\n# The recording keeps secrets sealed. Give them back as they were: SECRET_1=... bash THIS_FILE"
    for name, place in secrets.places.items():
        words = quoted(f"{name} is empty; it stands for {clean(place)}".encode())
        yield f'{name}="${{{name}:-}}"\n[ -n "${name}" ] || echo {words} >&2'
    yield ""


def _recording(
    recording: Recording, exchanges: Sequence[Exchange], origins: dict[str, str], secrets: Secrets
) -> Iterator[str]:
    for exchange in exchanges:
        heading = _heading(recording, exchange)
        comments = [f"# {clean(note)}" for note in exchange.notes]
        why = _inexpressible(exchange)
        said = f"skipped, {why}: {heading}" if why else heading
        command = [] if why else [_command(exchange, origins[split_origin(exchange.url)[0]], secrets)]
        yield "\n".join([*comments, f"step {quoted(said.encode())}", *command]) + "\n"


def _heading(recording: Recording, exchange: Exchange) -> str:
    """The words of the diagram: "4 POST /api/orders/orders at orders @qa, recorded: 201 Created"."""
    diagram = sequence(recording, [exchange])
    call: Call = next(calls(diagram.chapters[0].rows))
    at = diagram.participants[call.participant].name
    return f"{call.request} at {at}, recorded: {call.answer}"


def _inexpressible(exchange: Exchange) -> str:
    body = exchange.request.body
    if exchange.stream == "websocket":
        return "curl does not speak WebSocket"
    if body.truncated:
        kept = len(body.data) if body.kept is None else body.kept
        return f"the recording kept {kept} of {body.size} bytes of its body"
    return ""


def _command(exchange: Exchange, base: str, secrets: Secrets) -> str:
    rest = ascii_url(split_origin(exchange.url)[1])
    before, option, after = _body(exchange, secrets)
    words = [f'{before}curl "${{OPTIONS[@]}}"', _method(exchange), f'--url "${base}"{_word(rest.encode(), secrets)}']
    words += [f"--header {_word(header, secrets)}" for header in _headers(exchange)]
    if exchange.request.header("accept-encoding"):  # what curl can decode, so that responses can be read
        words.append("--compressed")
    if exchange.stream == "sse":  # an endless stream: leave it after a while, exit code 28
        words.append('--no-buffer --max-time "${STREAM_SECONDS:-5}"')
    words += [option] if option else []
    left = " || [ $? -eq 28 ]" if exchange.stream == "sse" else ""
    return " \\\n  ".join(words) + left + after


def _method(exchange: Exchange) -> str:
    # With --request HEAD curl would wait for a body that never comes.
    return "--head" if exchange.method == "HEAD" else f"--request {quoted(_bytes(exchange.method))}"


def _headers(exchange: Exchange) -> Iterator[bytes]:
    """As recorded, without those of the connection; what curl would add by itself is switched off."""
    request = exchange.request
    unsendable = _OURS | {part.strip().lower() for part in request.header("connection").split(",")}
    if request.body.plain:  # the record took the coding off to seal something inside
        unsendable |= {"content-encoding"}
    names = set()
    for name, value in request.headers:
        low = name.lower()
        names.add(low)
        if low not in unsendable and _TOKEN.fullmatch(name):
            yield _bytes(f"{name}: {value}" if value.strip() else f"{name};")
    unsent = {"user-agent", "accept", *(["content-type"] if request.body.size else [])} - names
    for low in [*sorted(unsent), *(["expect"] if request.body.size else [])]:
        yield f"{low.title()}:".encode()


def _body(exchange: Exchange, secrets: Secrets) -> tuple[str, str, str]:
    """What stands before curl, the option, and what follows the command."""
    data = exchange.request.body.data
    if not data:
        return "", ("--data-raw ''" if exchange.method in ("POST", "PUT", "PATCH") else ""), ""
    if not _is_text(data):
        return "base64 -d <<'END' | ", "--data-binary @-", f"\n{encodebytes(data).decode()}END"
    if len(data) > ARGUMENT:  # printf is part of bash: no limit
        return f"printf %s {_word(data, secrets)} | ", "--data-binary @-", ""
    return "", f"--data-raw {_word(data, secrets)}", ""


def _is_text(data: bytes) -> bool:
    try:
        return "\0" not in data.decode()
    except UnicodeDecodeError:
        return False


def _word(data: bytes, secrets: Secrets) -> str:
    """One word of the script, with variables where the recording holds placeholders."""
    parts = [f'"${name}"' if name else quoted(part) for part, name in secrets.split(data) if part or name]
    return "".join(parts) or "''"


def _bytes(text: str) -> bytes:
    return text.replace("\0", "").encode("utf-8", "replace")
