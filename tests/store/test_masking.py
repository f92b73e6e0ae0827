"""Recordings made before a rule existed: masked as they are read, sealed for good when asked, secrets for replays.

Covers: redact/headers, redact/placeholders, redact/preview.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from captures import a_capture, recorded

from gateway.keys import load_keys
from gateway.redact import PLACEHOLDER, Sealer
from gateway.redact.preview import findings
from gateway.replay.unseal import reveal
from gateway.routes.table import RedactRules
from gateway.store import Mask, StoreReader, open_recorder, open_store
from gateway.store.masking import resealed

REC = "01JMASK000000000000000000A"
IBAN, OTP, TENANT = "DE89370400440532013000", "774411", "tenant-pass-9f3a77c2d1"
RULES = RedactRules(frozenset(("x-tenant",)), ("$..iban", "$.user.ssn"), frozenset(("voucher",)))
BODY = json.dumps({"iban": IBAN, "user": {"ssn": "219-09-9999", "name": "Ann"}, "voucher": int(OTP)}).encode()
STEPS = (
    a_capture(
        1, REC, method=b"POST", target=b"/api/orders/pay?voucher=774411&x=1", request_body=[BODY],
        request_headers=[(b"Content-Type", b"application/json"), (b"X-Tenant", TENANT.encode())],
        upstream_url="http://127.0.0.1:9202/pay?voucher=774411&x=1",
    ),
    a_capture(2, REC, response_body=[b'{"nothing": "secret here"}']),
    a_capture(3, REC, response_body=[BODY], state="done", stream=""),
)  # fmt: skip
SECRETS = (IBAN, OTP, TENANT, "219-09-9999")


@pytest.fixture
def sealer(path: Path) -> Sealer:
    return Sealer(load_keys(path.parent, {}))


async def record(path: Path, sealer: Sealer, *captures, work=None):
    recorder = open_recorder(path, seal=sealer.seal, seal_piece=sealer.seal_chunk)
    await recorder.start()
    try:
        await recorded(recorder, *captures)
        return await asyncio.wrap_future(work(recorder)) if work else None
    finally:
        await recorder.stop()


def shown(store: StoreReader) -> str:
    return repr(store.exchanges(REC).items) + repr([store.step(REC, number) for number in (1, 2, 3)])


async def test_a_young_rule_masks_what_is_read_and_leaves_what_is_stored(path: Path, sealer: Sealer) -> None:
    await record(path, sealer, *STEPS)
    raw, store = open_store(path), open_store(path, Mask(lambda: RULES, sealer.seal, sealer.seal_chunk))
    assert all(secret in shown(raw) for secret in SECRETS)
    assert not [secret for secret in SECRETS if secret in shown(store)]
    first = store.step(REC, 1)
    assert len(PLACEHOLDER.findall(first.request.body.data)) == 3
    assert first.url.startswith("http://127.0.0.1:8080/api/orders/pay?voucher=sealed_")
    assert store.step(REC, 2) == raw.step(REC, 2)


async def test_a_replay_gets_the_secrets_that_are_only_masked(path: Path, sealer: Sealer) -> None:
    await record(path, sealer, *STEPS)
    store = open_store(path, Mask(lambda: RULES, sealer.seal, sealer.seal_chunk))
    known = {name: sealer.unseal(name, sealed).decode() for name, sealed in store.secrets(REC).items()}
    sent = reveal(store.step(REC, 1).request, known)
    assert sent == open_store(path).step(REC, 1).request or sent.body.data == BODY
    assert (sent.target, sent.header("x-tenant")) == ("/api/orders/pay?voucher=774411&x=1", TENANT)


async def test_only_defaults_mask_nothing_anew_and_cost_nothing(path: Path, sealer: Sealer) -> None:
    await record(path, sealer, *STEPS)
    mask = Mask(lambda: RedactRules(), sealer.seal, sealer.seal_chunk)
    assert mask.rules is None
    assert open_store(path, mask).exchanges(REC) == open_store(path).exchanges(REC)


@pytest.mark.sqlite_only
async def test_sealing_for_good_leaves_no_byte_of_the_secrets_in_any_file(path: Path, sealer: Sealer) -> None:
    def files() -> bytes:
        return b"".join(file.read_bytes() for file in path.parent.iterdir())

    await record(path, sealer, *STEPS)
    assert all(secret.encode() in files() for secret in SECRETS)
    changed = await record(path, sealer, work=lambda recorder: recorder.reseal(REC, RULES))
    assert changed == 2
    assert not [secret for secret in SECRETS if secret.encode() in files()]
    store = open_store(path)
    known = {name: sealer.unseal(name, sealed).decode() for name, sealed in store.secrets(REC).items()}
    assert reveal(store.step(REC, 1).request, known).body.data == BODY
    assert store.step(REC, 1).request.body.size == len(BODY)
    assert not store.step(REC, 1).request.body.truncated


async def test_sealing_twice_changes_nothing_and_equals_masking(path: Path, sealer: Sealer) -> None:
    await record(path, sealer, *STEPS)
    store = open_store(path, Mask(lambda: RULES, sealer.seal, sealer.seal_chunk))
    masked = store.exchanges(REC)
    await record(path, sealer, work=lambda recorder: recorder.reseal(REC, RULES))
    assert open_store(path).exchanges(REC) == masked == store.exchanges(REC)
    assert await record(path, sealer, work=lambda recorder: recorder.reseal(REC, RULES)) == 0


async def test_a_body_that_another_recording_has_too_stays_there(path: Path, sealer: Sealer) -> None:
    other = "01JMASK000000000000000000B"
    await record(path, sealer, *STEPS, a_capture(1, other, response_body=[BODY]))
    await record(path, sealer, work=lambda recorder: recorder.reseal(REC, RULES))
    store = open_store(path)
    assert store.step(other, 1).response.body.data == BODY
    assert IBAN.encode() not in store.step(REC, 3).response.body.data


async def test_words_are_found_again_after_sealing(path: Path, sealer: Sealer) -> None:
    await record(path, sealer, *STEPS)
    await record(path, sealer, work=lambda recorder: recorder.reseal(REC, RULES))
    store = open_store(path)
    assert [one.step for one in store.exchanges(REC, query="body:nothing").items] == [2]
    assert store.exchanges(REC, query=f"body:{IBAN}").items == ()


async def test_a_dry_run_names_every_place_and_its_rule(path: Path, sealer: Sealer) -> None:
    await record(path, sealer, *STEPS)
    before, after, _ = resealed(open_store(path).step(REC, 1), RULES, sealer.seal)
    told = [(one.where, one.rule) for one in findings(before, after, RULES)]
    assert told == [
        ("request.query voucher", "redact.query: voucher"),
        ("request.header X-Tenant", "redact.headers: X-Tenant"),
        ("request.body /iban", "redact.json: $..iban"),
        ("request.body /user/ssn", "redact.json: $.user.ssn"),
        ("request.body /voucher", "redact.query: voucher"),
    ]


def test_a_dry_run_tells_the_defaults_apart(sealer: Sealer) -> None:
    jwt = b"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c"
    capture = a_capture(
        1, REC, request_headers=[(b"Authorization", b"Bearer abc123"), (b"Cookie", b"sid=xyz; theme=dark")],
        response_headers=[(b"Location", b"http://bob:pw@h/x"), (b"Content-Type", b"multipart/form-data; boundary=B")],
        response_body=[b'--B\r\nContent-Disposition: form-data; name="password"\r\n\r\nhunter2\r\n--B--'],
        request_body=[b"jwt=" + jwt],
    )  # fmt: skip
    told = {one.where: one.rule for one in findings(capture, sealer.seal(capture).capture, None)}
    assert told == {
        "request.header Authorization": "default: a field of this name",
        "request.header Cookie sid": "default: a cookie",
        "request.header Cookie theme": "default: a cookie",
        "response.header Location": "default: user info of a URL",
        "request.body": "default: the signature of a token",
        "response.body password": "default: a key of this name",
    }
