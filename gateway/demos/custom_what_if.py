"""A what-if that was put together on a step's page: read from its form, tried, and perhaps saved. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import ConfigError, UsageError
from .authoring.save_what_if import with_what_if
from .definition.expressions import literal
from .definition.parse import parse_demo
from .definition.schema import Demo, DemoStep, WhatIf, slug_of
from .masking import holds_secret, is_secret_header, masked_url

NAME = "what I tried"
SECRET_ONLY: Mapping[str, Any] = {"delay": "0s"}  # what differs is sent, and never written down
LONGEST = 100  # characters of a name
BOXES = ("via", "path", "headers", "delay", "name")


@dataclass(frozen=True, slots=True)
class Trial:
    """A what-if by the name it was tried under; `spec` is what demo.yaml would say."""

    name: str
    spec: Mapping[str, Any] = field(default_factory=dict)

    @property
    def slug(self) -> str:
        return slug_of(self.name)


def read_trial(step: DemoStep, plain: Mapping[str, Any], fields: Mapping[str, Any], form: Mapping[str, str]) -> Trial:
    """What the form changes: fields against the `plain` ones, and `own.*` for the rest; UsageError if nothing.

    What a reader types is text: braces in it are not worked out, now or when it is saved.
    """
    spec: dict[str, Any] = {}
    kept = [each.name for each in step.fields if each.is_kept]
    changed = {name: fields.get(name) for name in kept if fields.get(name) != plain.get(name)}
    if given := {name: literal(value) for name, value in changed.items() if value is not None}:
        spec["set"] = given
    if left_out := [name for name, value in changed.items() if value is None]:
        spec["unset"] = left_out
    if headers := _headers(form.get("own.headers", "")):
        spec["headers"] = literal(headers)
    if environment := form.get("own.via", "").strip():
        spec["via"] = {step.call.cluster: environment}
    spec |= {verb: text for verb in ("path", "delay") if (text := form.get(f"own.{verb}", "").strip())}
    secret = any(fields.get(each.name) != plain.get(each.name) for each in step.fields if not each.is_kept)
    if not spec and not secret:
        hint = "change a field, or fill in one of the boxes under 'What if something else'"
        raise UsageError("this is the step as it is: nothing of it was changed", hint=hint)
    name = form.get("own.name", "").strip()[:LONGEST]
    return Trial(name if slug_of(name) else NAME, spec or SECRET_ONLY)


def boxes_again(form: Mapping[str, Any]) -> dict[str, str]:
    """What stood in the boxes, to stand there again after a preview; what holds a secret must be typed anew."""
    typed = {box: text.strip() for box in BOXES if isinstance(text := form.get(f"own.{box}", ""), str)}
    lines = typed.get("headers", "").splitlines()
    typed["headers"] = "\n".join(line for line in lines if line.startswith("-") or not _is_secret(line))
    if masked_url(typed.get("path", "")) != typed.get("path", ""):
        del typed["path"]
    return {box: text for box, text in typed.items() if text}


def _is_secret(line: str) -> bool:
    name, _, value = (part.strip() for part in line.partition(":"))
    return is_secret_header(name) or holds_secret(name, value)


def _headers(text: str) -> dict[str, str | None]:
    """Lines "Name: value", or "-Name" for a header to leave out."""
    found: dict[str, str | None] = {}
    for line in filter(None, (line.strip() for line in text.splitlines())):
        name, colon, value = line.partition(":")
        if line.startswith("-") and not colon:
            found[line[1:].strip()] = None
        elif colon:
            found[name.strip()] = value.strip()
        else:
            raise UsageError(f"the header {line[:80]!r} should read 'Name: value', or '-Name' to leave one out")
    return found


def as_what_if(
    raw: bytes,
    demo: Demo,
    step: DemoStep,
    name: str,
    spec: Mapping[str, Any],
    *,
    file: str,
    files: tuple[str, ...],
    others: tuple[str, ...] = (),
) -> WhatIf:
    """The what-if as demo.yaml would have it; ConfigError says what is wrong with it."""
    preset = with_what_if(raw, step.slug, name, spec, file=file)
    parsed = parse_demo(preset.raw, name=demo.name, file=file, files=files, others=others)
    found = parsed.demo.step(step.slug) if parsed.demo else None
    what_if = found.what_if(slug_of(name)) if found else None
    if what_if is None:
        raise ConfigError(parsed.problems)
    return what_if


def to_save(trial: Trial, form: Mapping[str, str]) -> Trial:
    """The trial with the name, the expectation and the reason that it is to be saved under. UsageError when it has no
    name, or changes a secret or a file."""
    name = form.get("own.name", "").strip()[:LONGEST]
    if not slug_of(name):
        raise UsageError("a what-if needs a name with at least one letter or digit")
    if trial.spec == SECRET_ONLY:
        raise UsageError("what differs is a secret or a file, which is never written into demo.yaml")
    spec = dict(trial.spec)
    if expect := form.get("own.expect", "").strip():
        listed = [int(each) if each.isdigit() else each for each in expect.replace(",", " ").split()][:10]
        spec["expect"] = listed[0] if len(listed) == 1 else listed
    if why := form.get("own.why", "").strip()[:1000]:
        spec["why"] = why
    return Trial(name, spec)
