"""A bash script of curl commands: sends the chain, carries its values on, checks its statuses. Pure."""

from __future__ import annotations

import re
from base64 import encodebytes
from collections.abc import Iterator, Sequence

from ...model.text import clean
from ..format import ALONE, Beside, Recordings
from ..scenario.scenario import Scenario, ScenarioStep
from ..scenario.templated_text import Text, shell_name, written
from ..scenario.variable_names import scenarios
from ..scenario.variables import KeptVariable
from .curl import ARGUMENT
from .file_comments import about_file, step_title
from .shell_quoting import quoted

_HEAD = r"""#!/usr/bin/env bash
# @TITLE@
# shellcheck disable=SC2016,SC2153 # a $ in single quotes is data, and `keep` gives variables their values
# Needs bash, curl and awk. Every variable may be given in the environment; VERBOSE=1 shows the responses.
set -eu

WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
OPTIONS=(--silent --show-error --globoff --path-as-is --http1.1 --cookie "$WORK/jar" --cookie-jar "$WORK/jar"
  --dump-header "$WORK/head" --output "$WORK/body" --write-out '%{http_code}')
FAILED=

# begin STEP TITLE, then STATUS=$(curl ...), then check EXPECTED
begin() { STEP=$1 TITLE=$2; : > "$WORK/head"; : > "$WORK/body"; }
check() {
  if [ "$1" = "$STATUS" ] || [ "$1" = any ]; then printf 'ok   step %s  %s\n' "$STEP" "$TITLE"
  else printf 'FAIL step %s  %s, but was %s\n' "$STEP" "$TITLE" "$STATUS"; FAILED="$FAILED $STEP"; fi
  [ -z "${VERBOSE:-}" ] || cat "$WORK/head" "$WORK/body"
}
# keep VARIABLE COMMAND...: what the command finds in the response, for later steps
keep() {
  local variable=$1 value
  shift
  if ! value=$("$@"); then
    printf 'step %s: the response has no %s, and later steps need it\n' "$STEP" "$variable" >&2
    exit 1
  fi
  printf -v "$variable" %s "$value"
}
header_at() { awk 'BEGIN { name = tolower(ARGV[1]) ":"; ARGV[1] = "" } { sub(/\r$/, "") }
  index(tolower($0), name) == 1 { value = substr($0, length(name) + 1); sub(/^[ \t]+/, "", value); found = 1 }
  END { printf "%s", value; exit !found }' "$1" < "$WORK/head"; }
cookie_at() { awk 'BEGIN { name = ARGV[1]; ARGV[1] = "" } { sub(/\r$/, "") }
  tolower(substr($0, 1, 11)) == "set-cookie:" { line = substr($0, 12); sub(/^[ \t]+/, "", line); at = index(line, "=")
    if (substr(line, 1, at - 1) != name) next
    value = substr(line, at + 1); sub(/;.*/, "", value); gsub(/^[ \t"]+|[ \t"]+$/, "", value); found = 1 }
  END { printf "%s", value; exit !found }' "$1" < "$WORK/head"; }
# body_behind COUNT TEXT: the response's body from where the text has come that many times
body_behind() {
  local body i
  body=$(cat "$WORK/body")
  for ((i = 0; i < $1; i++)); do body=${body#*"$2"}; done
  printf %s "$body"
}
cut_out() { local pattern=$1 text; shift; text=$("$@") && [[ $text =~ $pattern ]] && printf %s "${BASH_REMATCH[1]}"; }
# json_at KEY...: the text, number or word to which these keys lead in the response's body
json_at() { LC_ALL=C awk '
  function space() { while (index(" \t\r\n", substr(s, p, 1)) && p <= length(s)) p++ }
  function hex(at,  i, n) {
    for (i = 0; i < 4; i++) n = n * 16 + index("0123456789abcdef", tolower(substr(s, at + i, 1))) - 1
    return n
  }
  function byte(n) { return sprintf("%c", n) }
  function utf8(n) {
    if (n < 128) return byte(n)
    if (n < 2048) return byte(192 + int(n / 64)) byte(128 + n % 64)
    if (n < 65536) return byte(224 + int(n / 4096)) byte(128 + int(n / 64) % 64) byte(128 + n % 64)
    return byte(240 + int(n / 262144)) byte(128 + int(n / 4096) % 64) byte(128 + int(n / 64) % 64) byte(128 + n % 64)
  }
  function text(  out, c, n) {
    for (p++; (c = substr(s, p, 1)) != "\""; p++) {
      if (c == "") exit 1
      if (c == "\\") {
        c = substr(s, ++p, 1)
        if (c == "u") {
          n = hex(p + 1); p += 4
          if (n >= 55296 && n < 56320) { n = 65536 + (n - 55296) * 1024 + hex(p + 3) - 56320; p += 6 }
          c = utf8(n)
        } else if (c in escapes) c = escapes[c]
      }
      out = out c
    }
    p++
    return out
  }
  function value(depth, on,  c, key, from, i) {
    space(); c = substr(s, p, 1)
    if (c == "{" || c == "[") {
      p++; space()
      if (index("}]", substr(s, p, 1))) { p++; return }
      for (i = 0; ; i++) {
        key = i
        if (c == "{") { space(); key = text(); space(); p++ }
        value(depth + 1, on && depth <= wanted && key "" == keys[depth] "")
        space(); if (substr(s, p++, 1) != ",") return
      }
    }
    if (c == "\"") c = text()
    else {
      for (from = p; substr(s, p, 1) ~ /[-+.0-9A-Za-z]/; p++) continue
      if (from == p) exit 1
      c = substr(s, from, p - from)
    }
    if (on && depth > wanted) { printf "%s", c; found = 1; exit }
  }
  BEGIN {
    for (wanted = 0; wanted + 1 < ARGC; ARGV[wanted] = "") keys[++wanted] = ARGV[wanted]
    escapes["n"] = "\n"; escapes["t"] = "\t"; escapes["r"] = "\r"; escapes["b"] = "\b"; escapes["f"] = "\f"
  }
  { s = s $0 "\n" }
  END { if (!found) { p = 1; value(1, 1) } exit !found }' "$@" < "$WORK/body"; }
"""


def dump(recordings: Recordings, *, version: str, beside: Beside = ALONE) -> str:
    """Recordings follow each other in one script; its exit code is 1 when a status was not the recorded one."""
    found = scenarios(recordings, beside)
    parts = [_HEAD.replace("@TITLE@", "; ".join(clean(one.title) for one in found) or "Nothing recorded")]
    parts.append("\n".join(_variables(found)))
    for one in found:
        parts.append("\n".join(f"# {line}".rstrip() for line in about_file(one, version)))
        parts += ["\n".join(_step(one, step)) for step in one.steps]
    parts.append('[ -z "$FAILED" ] || { echo "failed: steps$FAILED" >&2; exit 1; }')
    return "\n\n".join(parts) + "\n"


def _variables(found: Sequence[Scenario]) -> Iterator[str]:
    pairs = {one.variable: one.base for each in found for one in each.targets}
    pairs |= {one.variable: one.default for each in found for one in each.inputs if not one.secret}
    secrets = {one.variable: one.about for each in found for one in each.inputs if one.secret}
    for name, value in pairs.items():
        yield f"{shell_name(name)}=${{{shell_name(name)}:-{quoted(value.encode())}}}"
    for variable, about in secrets.items():
        name = shell_name(variable)
        words = quoted(f"{name} is empty; it stands for {clean(about)}".encode())
        yield f'{name}="${{{name}:-}}"\n[ -n "${name}" ] || echo {words} >&2'


def _step(found: Scenario, step: ScenarioStep) -> Iterator[str]:
    if step.obstacle:
        said = f"skipped, {step.obstacle}: {step_title(step)}"
        yield f"echo {quoted(clean(said).encode())} >&2"
        return
    yield from (f"# {line}" for line in found.left.get(step.number, ()))
    yield f"begin {step.number} {quoted(step_title(step).encode())}"
    before, option, after = _body(step)
    words = [
        f'{before}curl "${{OPTIONS[@]}}"',
        _method(step),
        f'--url "${shell_name(step.target.variable)}"{_word(step.path)}',
    ]
    words += [f"--header {_header(name, value)}" for name, value in step.headers]
    words += [f"--header {name}:" for name in _silenced(step)]
    words += [option] if option else []
    if step.exchange.stream == "sse":  # it may never end: the status is all that is waited for
        words.append('--max-time "${STREAM_SECONDS:-5}"')
    lenient = "[ $? -eq 28 ] || " if step.exchange.stream == "sse" else ""
    joined = " \\\n  ".join(words)
    yield f'STATUS=$({joined}{after}) || {lenient}STATUS="$STATUS (curl: $?)"'
    yield f"check {step.status or 'any'}"
    yield from (f"keep {shell_name(keep.variable)} {_kept(keep)}" for keep in step.keeps)


def _method(step: ScenarioStep) -> str:
    # With --request HEAD curl would wait for a body that never comes.
    return "--head" if step.method == "HEAD" else f"--request {quoted(step.method.encode())}"


def _header(name: str, value: Text) -> str:
    return _word((f"{name}: ", *value)) if value else quoted(f"{name};".encode())


def _silenced(step: ScenarioStep) -> Iterator[str]:
    """What curl would add by itself."""
    said = {name.lower() for name, _ in step.headers}
    if step.body.data and "content-type" not in said:
        yield "Content-Type"
    if step.body.data:
        yield "Expect"


def _body(step: ScenarioStep) -> tuple[str, str, str]:
    """What stands before curl, the option, and what follows the command."""
    if not step.body.data:
        return "", ("--data-raw ''" if step.method in ("POST", "PUT", "PATCH") else ""), ""
    if not step.body.is_text:
        return "base64 -d <<'END' | ", "--data-binary @-", f"\n{encodebytes(step.body.data).decode()}END\n"
    word = _word(step.body.text)
    if len(step.body.data) > ARGUMENT:  # printf is part of bash: no limit
        return f"printf %s {word} | ", "--data-binary @-", ""
    return "", f"--data-raw {word}", ""


def _word(text: Text) -> str:
    """One word of the script, with its variables; literals side by side are quoted together."""
    joined = written(text, lambda name: f"\0{shell_name(name)}\0").split("\0")
    parts = (
        f'"${part}"' if index % 2 else quoted(part.encode("utf-8", "replace")) for index, part in enumerate(joined)
    )
    return "".join(part for part in parts if part and part != "''") or "''"


def _kept(keep: KeptVariable) -> str:
    """The command that finds it."""
    if keep.part == "json":
        found = " ".join(["json_at", *(quoted(key.encode("utf-8", "replace")) or "''" for key in keep.keys)])
    elif keep.part == "body":
        found = f"body_behind {keep.place.times} {quoted(keep.place.behind.encode())}"
    else:
        found = f"{keep.part}_at {quoted(keep.path.encode())}"
    pattern = _extended(keep.place.pattern)
    return f"cut_out {quoted(pattern.encode())} {found}" if pattern else found


# Up to its end even without a closing bracket: no second look at what follows.
_BRACKETS = re.compile(r"\[(\^?)((?:[^\]\\]|\\.)++)(\]?)")


def _extended(pattern: str) -> str:
    """As an extended regular expression (POSIX), which knows no escapes in brackets."""
    inside = _BRACKETS.sub(lambda one: f"[{one[1]}{_in_brackets(one[2])}]" if one[3] else one[0], pattern)
    return inside.replace("(?:", "(").replace(r"\d", "[0-9]")


def _in_brackets(text: str) -> str:
    for escape, sign in (
        (r"\s", "[:space:]"), (r"\d", "0-9"), (r"\w", "[:alnum:]_"), (r"\t", "\t"), (r"\r", "\r"), (r"\n", "\n"),
    ):  # fmt: skip
        text = text.replace(escape, sign)
    return text.replace("\\", "")
