"""gateway redact, reveal, keys: on files alone, and through a running gateway."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from captures import a_capture, recorded
from serving import serving

from gateway.cli.main import main
from gateway.keys import load_keys
from gateway.redact import Sealer
from gateway.store import open_recorder, open_store

REC = "01JSEAL000000000000000000A"
TOKEN, IBAN = "tok-5f0e7a91b2c34d", "DE89370400440532013000"
ROUTES = """\
version: 1
environments: [qa]
clusters:
  orders: {path: /api/orders, environment: qa, upstreams: {qa: "http://127.0.0.1:9101"}}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("GATEWAY_URL", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "routes.yaml").write_text(ROUTES)
    return tmp_path


@pytest.fixture
def file(folder: Path) -> Path:
    path = folder / "recordings" / "gateway.db"
    asyncio.run(fill(path))
    return path


async def fill(path: Path) -> None:
    sealer = Sealer(load_keys(path.parent, {}))
    recorder = open_recorder(path, seal=sealer.seal, seal_piece=sealer.seal_chunk)
    await recorder.start()
    capture = a_capture(
        1, REC, request_headers=[(b"Authorization", b"Bearer " + TOKEN.encode())],
        response_body=[b'{"iban": "%s"}' % IBAN.encode()],
    )  # fmt: skip
    await recorded(recorder, capture)
    await recorder.stop()


def run(capsys: pytest.CaptureFixture[str], *words: str | Path, code: int = 0) -> tuple[str, str]:
    assert main(list(map(str, words))) == code
    return capsys.readouterr()


def test_a_dry_run_lists_what_and_why_and_changes_nothing(file: Path, folder: Path, capsys) -> None:
    (folder / "more.yaml").write_text("json: ['$..iban']\n")
    out, err = run(capsys, "redact", "@last", "--dry-run", "--rules", "more.yaml")
    assert "response.body /iban" in out and "redact.json: $..iban" in out and IBAN not in out
    assert "1 place would be masked; nothing was changed" in err
    out, _ = run(capsys, "redact", "@last", "--dry-run", "--rules", "more.yaml", "--json")
    assert [one["where"] for one in json.loads(out)["items"]] == ["response.body /iban"]
    assert IBAN.encode() in open_store(file).step(REC, 1).response.body.data


@pytest.mark.parametrize(("cluster", "masked"), [("orders", True), ("users", False)])
def test_rules_of_a_cluster_mask_its_exchanges_only(
    file: Path, folder: Path, capsys: pytest.CaptureFixture[str], cluster: str, masked: bool
) -> None:
    text = f"  {cluster}:\n    redact: {{json: ['$..iban']}}\n    path: /{cluster}\n    environment: qa\n"
    text += "    upstreams: {qa: http://127.0.0.1:1}\n"
    (folder / "routes.yaml").write_text("version: 1\nenvironments: [qa]\nclusters:\n" + text)
    assert (IBAN not in run(capsys, "show", "@last/1")[0]) is masked
    assert f"{int(masked)} place" in run(capsys, "redact", "@last", "--dry-run")[1]


def test_younger_rules_of_routes_yaml_mask_what_is_shown_and_exported(file: Path, folder: Path, capsys) -> None:
    assert IBAN in run(capsys, "show", "@last/1")[0]
    (folder / "routes.yaml").write_text(ROUTES + "redact: {json: ['$..iban']}\n")
    for words in (("show", "@last/1"), ("show", "@last", "--json"), ("export", "@last", "--as", "har")):
        out, _ = run(capsys, *words)
        assert IBAN not in out and "sealed_" in out


def test_sealing_for_good_asks_and_is_in_the_audit(file: Path, folder: Path, capsys) -> None:
    (folder / "routes.yaml").write_text(ROUTES + "redact: {json: ['$..iban']}\n")
    assert "--yes" in run(capsys, "redact", "@last", code=2)[1]
    out, _ = run(capsys, "redact", "@last", "--yes")
    assert out == f"{REC}: 1 step sealed\n"
    assert IBAN.encode() not in open_store(file).step(REC, 1).response.body.data
    assert run(capsys, "redact", "@last", "--yes")[0] == f"{REC}: nothing to seal\n"
    assert "seal" in run(capsys, "audit")[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("jason: [a]", "jason"),
        ("json: ['$..[']", "json:"),
        ("- a", "redact"),
        ("a: [", "not YAML"),
    ],
)
def test_a_file_of_rules_that_is_none_is_refused(file: Path, folder: Path, capsys, text: str, message: str) -> None:
    (folder / "more.yaml").write_text(text)
    assert message in run(capsys, "redact", "@last", "--dry-run", "--rules", "more.yaml", code=3)[1]


def test_revealing_needs_a_reason_and_tells_the_audit_before_it_tells_the_secret(file: Path, capsys) -> None:
    assert "--why" in run(capsys, "reveal", "@last/1", code=2)[1]
    out, _ = run(capsys, "reveal", "@last/1", "--why", "ticket 512")
    assert TOKEN in out
    items = json.loads(run(capsys, "audit", "--json")[0])["items"]
    assert [(one["action"], one["subject"], one["source"]) for one in items] == [("reveal", f"{REC}/1", "command line")]
    assert items[0]["detail"].endswith(": ticket 512") and TOKEN not in items[0]["detail"] and items[0]["login"]
    assert "does not stand" in run(capsys, "reveal", "@last/1", "sealed_x", "--why", "x", code=5)[1]


def test_rotated_keys_still_open_what_was_sealed_and_may_then_be_retired(file: Path, capsys) -> None:
    before = run(capsys, "keys")[0]
    out, _ = run(capsys, "keys", "rotate")
    assert "(2 in all); 1 secrets are under it" in out
    assert run(capsys, "keys")[0].splitlines()[1] == before.split()[0]
    assert TOKEN in run(capsys, "reveal", "@last/1", "--why", "x")[0]
    run(capsys, "keys", "retire")
    assert len(run(capsys, "keys")[0].splitlines()) == 1
    assert TOKEN in run(capsys, "reveal", "@last/1", "--why", "x")[0]
    assert "did you mean 'rotate'" in run(capsys, "keys", "rotat", code=2)[1]


def test_keys_of_the_environment_are_not_ours_to_change(file: Path, capsys, monkeypatch) -> None:
    key = (file.parent / "gateway.key").read_text().strip()
    monkeypatch.setenv("GATEWAY_SECRET_KEY", key)
    assert "gateway keys renew" in run(capsys, "keys", "rotate", code=2)[1]
    fresh = "A" * 43 + "="
    monkeypatch.setenv("GATEWAY_SECRET_KEY", f"{fresh},{key}")
    assert "1 secrets are under it" in run(capsys, "keys", "renew")[0]
    monkeypatch.setenv("GATEWAY_SECRET_KEY", fresh)
    assert TOKEN in run(capsys, "reveal", "@last/1", "--why", "x")[0]


async def test_all_of_it_goes_through_a_gateway_that_runs(file: Path, folder: Path, capsys) -> None:
    async def command(*words: str) -> str:
        code = await asyncio.to_thread(main, list(words))
        out = capsys.readouterr()
        assert code == 0, out.err
        return out.out

    async with serving(folder, ROUTES + "redact: {json: ['$..iban']}\n") as gateway:
        assert TOKEN in await command("reveal", "@last/1", "--why", "ticket 7")
        before = gateway.services.secrets(REC)
        assert await command("redact", "@last", "--yes") == f"{REC}: 1 step sealed\n"
        assert "(2 in all); 2 secrets are under it" in await command("keys", "rotate")
        assert gateway.services.secrets(REC) == before  # the secrets, and the placeholders in what is stored
        items = json.loads(await command("audit", "--json"))["items"]
        assert [(one["action"], one["source"]) for one in items] == [
            ("keys", "api"),
            ("seal", "api"),
            ("reveal", "api"),
        ]
    assert IBAN.encode() not in file.read_bytes()
