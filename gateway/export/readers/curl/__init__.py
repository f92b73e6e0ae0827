"""curl commands as people paste them, from bash, cmd.exe and PowerShell: every request becomes a step. Pure."""

from __future__ import annotations

from ....errors import UsageError
from ....model.exchange import Exchange
from ....model.recording import Recording
from ..import_report import Omission
from ..imported_recording import Imported, Locate, placed
from .command import ReadFile, requests
from .shell import CurlWords, commands
from .windows import cmd_commands, is_cmd, is_powershell, powershell_commands

__all__ = ["found_commands", "is_command_text", "load"]


def load(text: str, locate: Locate, read_file: ReadFile) -> tuple[list[Imported], list[Omission]]:
    """One recording with a step per request, without responses, and what was left out.

    UsageError names the option or the file that keeps a command from being read.
    """
    found, omissions = found_commands(text)
    exchanges: list[Exchange] = []
    jars: set[str] = set()
    for command in found:
        asked, left_out = requests(command, read_file, jars)
        omissions += left_out
        for one in asked:
            path = one.request.target if one.request.target.startswith("/") else "/"
            exchange = Exchange(
                id="", recording="", step=len(exchanges) + 1, session="", started_at="", url=one.origin + path,
                request=one.request,
            )  # fmt: skip
            exchanges.append(placed(exchange, locate))
    if not exchanges:
        why = "; ".join(f"{one.what}: {one.why}" for one in omissions[:3])
        raise UsageError(f"no curl command is in this text{f' that can be taken ({why})' if why else ''}")
    return [Imported(Recording(id="", title="", session="", kind="import"), tuple(exchanges))], omissions


def is_command_text(text: str) -> bool:
    """Whether a text may hold commands that are read here."""
    return "curl" in text[:20_000] or is_powershell(text[:20_000])


def found_commands(text: str) -> tuple[list[CurlWords], list[Omission]]:
    """The curl commands of a text, by the shell that it is written for. UsageError when it is nested too deeply."""
    if is_powershell(text):
        return powershell_commands(text)
    try:
        return cmd_commands(text) if is_cmd(text) else commands(text)
    except RecursionError:  # default values in default values
        raise UsageError("the text is nested too deeply") from None
