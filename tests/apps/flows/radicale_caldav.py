"""Radicale: a calendar, an event, a to-do, moved and deleted. Client: caldav."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import caldav
from common import TAG, check, main


def principal(base: str, session: str = "") -> caldav.Principal:
    headers = {"Gateway-Session": session} if session else {}
    return caldav.DAVClient(f"{base}/", username="ann", password="lovelace", headers=headers).principal()


def seed(base: str) -> None:
    own = principal(base).make_calendar(name="Own")
    own.save_event(
        dtstart=datetime(2026, 1, 5, 8, tzinfo=UTC), dtend=datetime(2026, 1, 5, 9, tzinfo=UTC), summary="own"
    )


def flow(base: str, session: str) -> None:
    me = principal(base, session)
    work = me.make_calendar(name=f"Work {TAG}")
    begin, end = datetime(2026, 5, 17, 8, tzinfo=UTC), datetime(2026, 5, 17, 9, tzinfo=UTC)
    event = work.save_event(dtstart=begin, dtend=end, summary="standup")
    lunch = work.save_event(dtstart=begin, dtend=end, summary="lunch")
    todo = work.save_todo(summary="write")
    found = work.search(start=begin, end=end, event=True)
    check(len(found) == 2, "two events", len(found))
    event.icalendar_component["summary"] = "standup at ten"
    event.save()
    todo.complete()
    lunch.delete()
    check(len(work.events()) == 1, "one event is left")
    names = [each.get_display_name() for each in me.calendars()]
    check(f"Work {TAG}" in names, names)


def state(base: str) -> Iterator[str]:
    for calendar in principal(base).calendars():
        name = calendar.get_display_name()
        yield f"calendar {name}"
        for one in (*calendar.events(), *calendar.todos(include_completed=True)):
            part = one.icalendar_component
            yield f"{part.name} in {name}: {part.get('summary')} {part.get('status', '')}"


main(seed, flow, state)
