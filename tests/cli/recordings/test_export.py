"""`gateway export`, from a real recordings file to a file or stdout.

Covers: services/export.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from gateway.cli.main import main
from gateway.model.capture import Capture
from gateway.store import open_recorder


def a_capture(step: int, *, recording: str, method: bytes = b"GET", status: int = 200) -> Capture:
    capture = Capture()
    capture.id, capture.recording, capture.session = f"{recording}X{step}", recording, "chain"
    capture.step, capture.started_at = step, 1_795_327_200.0 + step
    capture.method, capture.target, capture.origin = method, b"/api/orders/step%d" % step, b"http://127.0.0.1:8080"
    capture.cluster, capture.environment = "orders", "qa"
    capture.status, capture.reason, capture.response_version = status, b"", "1.1"
    capture.response_headers = [(b"Content-Type", b"application/json")]
    capture.response_body, capture.response_size = [b'{"step": %d}' % step], 11
    capture.begun, capture.first_byte, capture.ended = 1.0, 1.010, 1.014
    return capture


@pytest.fixture
async def recordings(tmp_path: Path) -> Path:
    """A file with two recordings of three and one steps."""
    file = tmp_path / "recordings" / "gateway.db"
    recorder = open_recorder(file, seal=lambda capture: capture)
    await recorder.start()
    for step in (1, 2, 3):
        recorder.put(a_capture(step, recording="01JAAA", method=b"POST" if step == 1 else b"GET"))
    recorder.put(a_capture(1, recording="01JBBB", status=404))
    await recorder.stop()
    return file


def export(*words: object) -> int:
    return main(["export", *map(str, words)])


async def test_mermaid_is_what_one_gets(recordings, capsys):
    assert export("01JAAA", "-r", recordings) == 0
    text = capsys.readouterr().out
    assert text.startswith("sequenceDiagram\n")
    assert "P0->>P1: 1 POST /api/orders/step1" in text
    assert "participant P1 as orders #64;qa" in text


async def test_har_has_every_step(recordings, capsys):
    assert export("01JAAA", "--as", "har", "-r", recordings) == 0
    entries = json.loads(capsys.readouterr().out)["log"]["entries"]
    assert [entry["_step"] for entry in entries] == [1, 2, 3]
    assert [entry["response"]["content"]["text"] for entry in entries] == [f'{{"step": {step}}}' for step in (1, 2, 3)]


async def test_several_recordings_fit_into_one_file_of_json(recordings, capsys):
    assert export("01JBBB", "01JAAA", "--json", "-r", recordings) == 0
    found = json.loads(capsys.readouterr().out)
    assert [(each["id"], len(each["exchanges"])) for each in found["recordings"]] == [("01JBBB", 1), ("01JAAA", 3)]


async def test_several_recordings_are_no_diagram(recordings, capsys):
    assert export("01JBBB", "01JAAA", "--as", "svg", "-r", recordings) == 2
    assert "svg shows one recording, not 2" in capsys.readouterr().err


async def test_the_suffix_of_the_file_is_enough(recordings, tmp_path, capsys):
    output = tmp_path / "chain.sh"
    assert export("01JAAA", "-o", output, "-r", recordings) == 0
    told = capsys.readouterr()
    assert output.read_text("utf-8").count('$(curl "') == 3
    assert told.out == ""
    assert "bash script of curl commands, 3 steps" in told.err


async def test_an_unknown_suffix_asks_for_a_format(recordings, tmp_path, capsys):
    assert export("01JAAA", "-o", tmp_path / "chain.docx", "-r", recordings) == 2
    assert "no format writes '.docx' files" in capsys.readouterr().err


async def test_a_file_that_cannot_be_written_is_named(recordings, tmp_path, capsys):
    output = tmp_path / "missing" / "chain.har"
    assert export("01JAAA", "-o", output, "-r", recordings) == 2
    assert str(output) in capsys.readouterr().err


async def test_only_some_steps(recordings, capsys):
    assert export("01JAAA", "--as", "har", "--steps", "2-3", "-r", recordings) == 0
    assert [one["_step"] for one in json.loads(capsys.readouterr().out)["log"]["entries"]] == [2, 3]
    assert export("01JAAA", "--as", "har", "--steps", "two", "-r", recordings) == 2
    assert "'two' are no steps" in capsys.readouterr().err


async def test_a_recording_that_does_not_exist(recordings, capsys):
    assert export("no-such-recording", "-r", recordings) == 5
    assert "no-such-recording" in capsys.readouterr().err


async def test_more_steps_than_one_page_holds_are_all_exported(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("gateway.services.export.PAGE", 2)
    file = tmp_path / "gateway.db"
    recorder = open_recorder(file, seal=lambda capture: capture)
    await recorder.start()
    for step in range(1, 6):
        recorder.put(a_capture(step, recording="01JAAA"))
    await recorder.stop()
    assert export("01JAAA", "--json", "-r", file) == 0
    (found,) = json.loads(capsys.readouterr().out)["recordings"]
    assert [exchange["step"] for exchange in found["exchanges"]] == [1, 2, 3, 4, 5]


async def test_messages_of_a_websocket_are_in_the_diagram_and_the_har(tmp_path, capsys):
    file = tmp_path / "gateway.db"
    recorder = open_recorder(file, seal=lambda capture: capture)
    await recorder.start()
    capture = a_capture(1, recording="01JAAA", status=101)
    capture.stream, capture.state = "websocket", "open"
    recorder.opened(capture)
    recorder.chunk(capture, at=1.011, sent=True, data=b"\x81\x82\0\0\0\0hi")
    recorder.chunk(capture, at=1.012, sent=False, data=b"\x81\x03one\x81\x03two")
    capture.state = "done"
    recorder.put(capture)
    await recorder.stop()
    assert export("01JAAA", "-r", file) == 0
    text = capsys.readouterr().out
    assert "P0-)P1: 1 message #183; 2 bytes" in text
    assert "P1-)P0: 2 messages #183; 6 bytes" in text
    assert export("01JAAA", "--as", "har", "-r", file) == 0
    (entry,) = json.loads(capsys.readouterr().out)["log"]["entries"]
    assert [message["data"] for message in entry["_webSocketMessages"]] == ["hi", "one", "two"]


def test_the_formats_are_listed(capsys):
    assert export("--list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines[:2]] == [["mermaid", ".mmd"], ["svg", ".svg"]]
    assert export("--list", "--json") == 0
    assert {item["name"] for item in json.loads(capsys.readouterr().out)["items"]} >= {"har", "curl", "json"}


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["@last", "--as", "no-such-format"], "there is no format 'no-such-format'"),
        (["@last", "--as", "mermiad"], "did you mean 'mermaid'?"),
        ([], "which recording?"),
    ],
)
def test_what_is_off_is_said_before_anything_is_read(words, complaint, tmp_path, capsys):
    assert export(*words, "-r", tmp_path / "none.db") == 2
    assert complaint in capsys.readouterr().err


async def test_variants_come_behind_their_parents(recordings, capsys):
    recorder = open_recorder(recordings, seal=lambda capture: capture)
    await recorder.start()
    for id, parent in (("01JCCC", "01JAAA"), ("01JDDD", "01JCCC"), ("01JEEE", "01JAAA")):
        recorder.describe_recording(id, id, kind="variant", parent=parent, branched_at=1)
        recorder.put(a_capture(1, recording=id))
    await recorder.stop()
    assert export("01JAAA", "--as", "json", "--with-variants", "-r", recordings) == 0
    found = json.loads(capsys.readouterr().out)["recordings"]
    assert [one["id"] for one in found] == ["01JAAA", "01JCCC", "01JDDD", "01JEEE"]


async def test_the_longest_suffix_names_the_format(recordings, tmp_path):
    assert export("01JAAA", "-o", tmp_path / "chain.openapi.json", "-r", recordings) == 0
    assert json.loads((tmp_path / "chain.openapi.json").read_text())["openapi"] == "3.1.0"


async def test_a_format_of_several_files_goes_into_a_folder(recordings, tmp_path, capsys):
    folder = tmp_path / "api"
    assert export("01JAAA", "--as", "openapi", "-o", folder, "-r", recordings) == 0
    assert [file.name for file in folder.iterdir()] == ["orders.openapi.json"]
    assert capsys.readouterr().err == f"{folder}: OpenAPI 3.1 of what was seen, a file per cluster, 3 steps, 1 file\n"


async def test_any_format_goes_into_a_folder_that_exists(recordings, tmp_path):
    assert export("01JAAA", "--as", "har", "-o", tmp_path, "-r", recordings) == 0
    (file,) = tmp_path.glob("*.har")
    assert len(json.loads(file.read_text())["log"]["entries"]) == 3


async def test_an_archive_holds_the_same_files_and_the_same_bytes_each_time(recordings, tmp_path):
    one, two = tmp_path / "a.zip", tmp_path / "b.zip"
    assert export("01JAAA", "--as", "openapi", "-o", one, "-r", recordings) == 0
    assert export("01JAAA", "--as", "openapi", "-o", two, "-r", recordings) == 0
    with zipfile.ZipFile(one) as archive:
        assert archive.namelist() == ["orders.openapi.json"]
        assert json.loads(archive.read("orders.openapi.json"))["openapi"] == "3.1.0"
    assert one.read_bytes() == two.read_bytes()


async def test_one_cluster_alone(recordings, capsys):
    assert export("01JAAA", "--as", "openapi", "--cluster", "orders", "-r", recordings) == 0
    assert json.loads(capsys.readouterr().out)["info"]["title"] == "orders"
    assert export("01JAAA", "--as", "openapi", "--cluster", "order", "-r", recordings) == 2
    assert "nothing recorded at 'order'; did you mean 'orders'?" in capsys.readouterr().err
    assert export("01JAAA", "--as", "har", "--cluster", "orders", "-r", recordings) == 2
    assert "har has no file per cluster" in capsys.readouterr().err


async def test_servers_of_a_description_are_those_of_routes_yaml(recordings, tmp_path, capsys):
    routes = tmp_path / "routes.yaml"
    routes.write_text(
        "version: 1\nenvironments: [test, qa]\nclusters:\n  orders: {path: /api/orders, environment: qa,"
        " upstreams: {test: 'http://127.0.0.1:9101', qa: 'http://127.0.0.1:9202'}}\n"
    )
    assert export("01JAAA", "--as", "openapi", "-r", recordings, "-c", routes) == 0
    assert [one["description"] for one in json.loads(capsys.readouterr().out)["servers"]] == [
        "through the gateway", "test", "qa, where the route leads now",
    ]  # fmt: skip
