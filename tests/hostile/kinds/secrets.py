"""Secrets in every spelling and place: none of them may be readable in the record, the API, an export or the file."""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from urllib.parse import quote, quote_plus

from ..lab import Lab
from . import Kind, Trial

DATA = Path(__file__).parents[2] / "data" / "secrets"
NAMES = [line.split("\t")[1] for line in (DATA / "names.tsv").read_text().splitlines() if line.startswith("secret\t")]
ALPHABET = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
SESSION = "hostile-secrets"
EXPORTS = ("har", "curl", "bundle", "markdown", "json")
WAIT = 0.3  # seconds until an exchange is on disk


def _spelled(rng: Random, name: str) -> str:
    change = rng.choice((
        str, str.upper, str.lower, lambda n: n.replace("_", "-"), lambda n: n.replace("_", ""), lambda n: f"user[{n}]",
        lambda n: f"my_{n}", lambda n: f"%{ord(n[0]):02x}{n[1:]}", lambda n: f"{n}2" if n[-1:].isalpha() else n,
    ))  # fmt: skip
    return change(name)


def _bodies(name: str, secret: str) -> dict[str, tuple[str, bytes]]:
    plain = name if re.fullmatch(r"[\w.\-]+", name) else "password"
    return {
        "json": ("application/json", json.dumps({"a": 1, "deep": [{name: secret}]}).encode()),
        "json within": ("application/json", json.dumps({"log": json.dumps({name: secret})}).encode()),
        "form": ("application/x-www-form-urlencoded", f"a=1&{quote(name, safe='%[]')}={quote_plus(secret)}".encode()),
        "multipart": ("multipart/form-data; boundary=B",
            f'--B\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{secret}\r\n--B--\r\n'.encode()),
        "beside": ("application/json", json.dumps({"Name": plain, "Value": secret}).encode()),
        "yaml": ("application/yaml", f"a: 1\n{plain}: |\n  {secret}\nb: 2\n".encode()),
        "settings": ("text/plain", f"X=1\n{plain}={secret}\n".encode()),
        "xml": ("text/xml", f"<r><{plain}>{secret}</{plain}></r>".encode() if plain[0].isalpha() else b"<a/>"),
        "event": ("text/event-stream", f'data: {{"{plain}":\ndata: "{secret}"}}\n\n'.encode()),
        "cut": ("application/json", f'{{"a": 1, "{plain}": "{secret}'.encode()),
        "utf-16": ("application/json", json.dumps({plain: secret}).encode("utf-16")),
    }  # fmt: skip


def _attempt(place: str, name: str, secret: str, lab: Lab) -> str:
    headers = [("Gateway-Session", SESSION)]
    if place == "query":
        answer = lab.ask("GET", f"/api/a/x?a=1&{quote(name, safe='%[]')}={secret}", headers)
    else:
        content_type, body = _bodies(name, secret)[place]
        answer = lab.ask("POST", "/api/a/x", [*headers, ("Content-Type", content_type)], body)
    if answer.status != 200:
        return f"answered {answer.status}"
    exchange = answer.header("gateway-exchange")
    time.sleep(WAIT)
    shown = lab.ask("GET", f"/_gateway/api/v1/exchanges/{exchange}")
    if shown.status != 200:
        return f"its record answered {shown.status}"
    if secret.encode() in shown.body:
        return f"in clear in the API: {name}"
    for side in ("request-body", "response-body"):
        if secret.encode() in lab.ask("GET", f"/_gateway/api/v1/exchanges/{exchange}/{side}").body:
            return f"in clear in the {side}: {name}"
    return ""


def trials(rng: random.Random, count: int) -> Iterator[Trial]:
    places = ["query", *_bodies("password", "x")]
    for number in range(count):
        place, name = places[number % len(places)], rng.choice(NAMES)
        is_pin = name.lower().rstrip("0123456789").endswith("pin")
        letters = "".join(rng.choice(ALPHABET) for _ in range(22))
        secret = str(rng.randrange(10_000_000, 99_999_999)) if is_pin else f"Q7{letters}9x"
        spelled = _spelled(rng, name) if "[" not in name and "." not in name else name
        if spelled.startswith("%") and place not in ("query", "form"):  # elsewhere a percent sign is a percent sign
            spelled = name
        yield Trial(
            f"{place} {spelled}",
            lambda lab, place=place, name=spelled, secret=secret: _attempt(place, name, secret, lab),
        )


KIND = Kind("secrets", "no secret is readable in the record", 240, trials)
