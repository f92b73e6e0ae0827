"""gateway show REC --correlations and the verdicts of gateway annotate, on a real file."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from captures import a_capture, recorded

from gateway.cli.main import main
from gateway.store import open_recorder

REC = "01JAAAAAAAAAAAAAAAAAAAAAAA"


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("GATEWAY_URL", raising=False)
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "recordings" / "gateway.db"
    kind = [(b"Content-Type", b"application/json")]
    create = a_capture(
        1, REC, method=b"POST", target=b"/api/users", request_headers=kind, request_body=[b'{"name": "Mary"}'],
        response_body=[b'{"id": 127}'],
    )  # fmt: skip
    assign = a_capture(
        2, REC, method=b"POST", target=b"/api/issues", request_headers=kind, request_body=[b'{"assignee_id": 127}'],
        response_body=[b'{"number": 318}'],
    )  # fmt: skip
    look = a_capture(3, REC, target=b"/api/issues/318", response_body=[b'{"number": 318}'])

    async def once() -> None:
        recorder = open_recorder(path, seal=None)
        await recorder.start()
        await recorded(recorder, create, assign, look)
        await recorder.stop()

    asyncio.run(once())
    return path


def run(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    assert main(list(words)) == code
    return capsys.readouterr().out


def found(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    shown = json.loads(run(capsys, "show", "@last", "--correlations", "--json"))
    return {each["sink"]["place"]: each["status"] for each in shown["items"]}


def test_values_and_where_they_flow_as_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    lines = run(capsys, "show", "@last", "--correlations").splitlines()
    assert lines[0].split() == [
        "id",
        "status",
        "sure",
        "value",
        "of",
        "needed",
        "at",
        "comes",
        "from",
        "recorded",
        "why",
    ]
    assert "suggested" in lines[1]
    assert "2:json:/assignee_id" in lines[1]
    assert "issue_id" in lines[2]
    assert lines[4] == "said by the client first:"


def test_the_values_of_one_step(capsys: pytest.CaptureFixture[str]) -> None:
    text = run(capsys, "show", "@last/3", "--correlations")
    assert "3:path:3" in text
    assert "assignee_id" not in text


def test_a_suggestion_is_accepted_rejected_and_forgotten(capsys: pytest.CaptureFixture[str]) -> None:
    id = json.loads(run(capsys, "show", "@last", "--correlations", "--json"))["items"][0]["id"]
    assert run(capsys, "annotate", "@last", "--accept", id) == f"{REC}: accept {id}\n"
    assert found(capsys)["2:json:/assignee_id"] == "confirmed"
    run(capsys, "annotate", "@last", "--reject", id[:5])
    assert found(capsys)["2:json:/assignee_id"] == "rejected"
    run(capsys, "annotate", "@last", "--forget", id)
    assert found(capsys)["2:json:/assignee_id"] == "suggested"


def test_a_correlation_of_ones_own(capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "annotate", "@last", "--declare", "2:json.assignee_id=1:json:/id", "--note", "Mary does it")
    assert found(capsys)["2:json:/assignee_id"] == "declared"
    assert "Mary does it" in run(capsys, "show", "@last")


def test_a_binding_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["annotate", "@last", "--accept", "ffffffff"]) == 2
    assert "there is no binding 'ffffffff'" in capsys.readouterr().err


def test_decisions_go_out_as_yaml_and_come_in_again(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    id = json.loads(run(capsys, "show", "@last", "--correlations", "--json"))["items"][0]["id"]
    run(capsys, "annotate", "@last", "--accept", id, "--declare", "3:path.issue_id=2:json:/number")
    text = run(capsys, "show", "@last", "--correlations", "--yaml")
    assert "accept:\n- 2:json:/assignee_id=1:json:/id\n" in text
    run(capsys, "annotate", "@last", "--forget", id)
    assert found(capsys)["2:json:/assignee_id"] == "suggested"
    (tmp_path / "decided.yaml").write_text(text)
    said = run(capsys, "annotate", "@last", "--decisions", "decided.yaml")
    assert said == f"{REC}: accept {id}; declare 3:path.issue_id=2:json:/number\n"
    assert set(found(capsys).values()) == {"confirmed", "declared"}


def test_a_file_of_decisions_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["annotate", "@last", "--decisions", "nowhere.yaml"]) == 2
    assert "nowhere.yaml" in capsys.readouterr().err


def test_a_second_run_that_proves_nothing_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["annotate", "@last", "--second-run", "@last"]) == 2
    assert "proves nothing new" in capsys.readouterr().err
