"""A what-if of your own: tried from a step's page, looked at before it is sent, saved into demo.yaml. I/O."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError, NotFoundError, Problem, UsageError
from ..routes.files import Unreadable, read_file, write_file
from .authoring.save_what_if import with_what_if
from .custom_what_if import as_what_if, read_trial, to_save
from .definition.schema import Demo, DemoStep, WhatIf
from .masking import is_secret_name
from .preview import Preview, preview, substitutions
from .registry import DemoEntry, DemosKeeper
from .send import Press
from .step import NotSent, build, fill, text_of

if TYPE_CHECKING:
    from ..protocols import LiveSession
    from .call import Caller
    from .definition.lineage import Origin
    from .session_memory import Memories

SHIPPED = "it ships with the gateway; copy its folder into templates/demos beside routes.yaml, and save there"


@dataclass(frozen=True, slots=True)
class Trying:
    """What the buttons Preview, Try it and Save as preset do."""

    keeper: DemosKeeper
    caller: Caller
    memories: Memories

    async def press(
        self, session: LiveSession, entry: DemoEntry, step: DemoStep, fields: Mapping[str, Any],
        form: Mapping[str, str], values: Mapping[str, Any],
    ) -> Press:  # fmt: skip
        """The what-if that this form makes of its step; it is remembered, so that it can be saved. UsageError when
        the step has a what-if of that name."""
        demo = demo_of(entry)
        plain = {each.field.name: each.value for each in await asyncio.to_thread(fill, step, values)}
        trial = read_trial(step, plain, fields, form)
        if step.what_if(trial.slug) is not None:
            raise UsageError(f"'{step.title}' has a what-if '{trial.name}' already", hint="give this one another name")
        what_if = await asyncio.to_thread(_read, entry, demo, step, trial.name, trial.spec)
        self.memories.of(session.id).trials[demo.name, step.slug] = trial
        return Press(demo, step, what_if, fields)

    async def preview(self, session: LiveSession, press: Press, values: Mapping[str, Any]) -> Preview:
        """The call as it would be sent; NotSent says what is missing."""
        if press.step.run is not None:
            raise NotSent("what a function sends is known only when it runs")
        origins = dict(self.memories.of(session.id).origins)
        return await asyncio.to_thread(self._preview, press, values, origins)

    def _preview(self, press: Press, values: Mapping[str, Any], origins: Mapping[str, Origin]) -> Preview:
        call = build(press.step, press.fields, values, press.what_if)
        secrets = (*call.secrets, *(text_of(value) for name, value in values.items() if is_secret_name(name)))
        made = substitutions(press.step, press.what_if, press.fields, values, origins)
        return preview(press.name, call, self.caller.url(call), made, secrets)

    async def save(self, session: LiveSession, entry: DemoEntry, step: DemoStep, form: Mapping[str, str]) -> str:
        """Write what was tried last into demo.yaml; says where it stands now. NotFoundError when nothing was tried."""
        memory = self.memories.of(session.id)
        trial = memory.trials.get((entry.name, step.slug))
        if trial is None:
            raise NotFoundError("nothing was tried here that could be saved", hint="try it again, then save it")
        saved = to_save(trial, form)
        line = await asyncio.to_thread(_save, entry, demo_of(entry), step, saved.name, saved.spec)
        await asyncio.to_thread(self.keeper.look)
        del memory.trials[entry.name, step.slug]
        return f"'{saved.name}' is saved in {entry.file} line {line}."


def demo_of(entry: DemoEntry) -> Demo:
    assert entry.demo is not None, "its page was shown"
    return entry.demo


def _read(entry: DemoEntry, demo: Demo, step: DemoStep, name: str, spec: Mapping[str, Any]) -> WhatIf:
    raw, files = _file(entry), tuple(path.name for path in entry.folder.iterdir())
    return as_what_if(raw, demo, step, name, spec, file=entry.file, files=files, others=entry.others)


def _save(entry: DemoEntry, demo: Demo, step: DemoStep, name: str, spec: Mapping[str, Any]) -> int:
    """The line of the new what-if. Nothing is written that the demo's own check would refuse."""
    raw = _file(entry)
    if "site-packages" in entry.folder.parts:
        raise _refused(entry, SHIPPED)
    _read(entry, demo, step, name, spec)
    preset = with_what_if(raw, step.slug, name, spec, file=entry.file)
    try:
        write_file(entry.path, preset.raw, expected=raw)
    except Unreadable as error:
        raise _refused(entry, str(error)) from None
    return preset.line


def _file(entry: DemoEntry) -> bytes:
    try:
        return read_file(entry.path)
    except Unreadable as error:
        raise _refused(entry, str(error)) from None


def _refused(entry: DemoEntry, message: str) -> ConfigError:
    return ConfigError([Problem(entry.file, 1, 1, "", message)])
