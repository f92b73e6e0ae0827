"""`gateway audit` reads what the command line itself did, too."""

import asyncio
import json

from captures import a_capture, recorded

from gateway.cli.main import main
from gateway.store import open_recorder

REC = "01JREC0000000000000000000A"


def a_file(path):
    async def once():
        recorder = open_recorder(path, seal=None)
        await recorder.start()
        await recorded(recorder, a_capture(1))
        await recorder.stop()

    asyncio.run(once())
    return str(path)


def test_a_deletion_without_a_gateway_is_audited(tmp_path, capsys):
    file = a_file(tmp_path / "gateway.db")
    assert main(["delete", REC, "--yes", "-r", file]) == 0
    capsys.readouterr()
    assert main(["audit", "-r", file, "--json"]) == 0
    (one,) = json.loads(capsys.readouterr().out)["items"]
    assert (one["action"], one["subject"], one["role"]) == ("delete", REC, "command line")
    assert main(["audit", "delete", "-r", file]) == 0
    assert f"delete {REC}" in capsys.readouterr().out


def test_what_prune_deletes_is_audited(tmp_path, capsys):
    file = a_file(tmp_path / "gateway.db")
    assert main(["prune", "-r", file, "--bytes", "0"]) == 0
    capsys.readouterr()
    assert main(["audit", REC, "-r", file, "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["items"]) == 1


def test_nothing_found_is_said(tmp_path, capsys):
    file = a_file(tmp_path / "gateway.db")
    assert main(["audit", "-r", file]) == 0
    assert capsys.readouterr().err == "nothing was moved, deleted or unmasked yet\n"
    assert main(["audit", "move", "-r", file]) == 0
    assert capsys.readouterr().err == "nothing matches\n"
