from dataclasses import replace

import consoling

from gateway.model.recording import Revision
from gateway.replay.move_cause import moved_between

MOVED = Revision("1" * 64, "2026-11-22T10:12:00.000000Z", "console: qa is down", ("orders: qa -> test",), "")


def test_a_step_that_a_move_led_elsewhere_says_who_moved_it_and_when():
    before = replace(consoling.an_exchange(), environment="qa")
    after = replace(before, environment="test")
    assert moved_between(before, after, [MOVED]) == "; moved 2026-11-22 10:12 (UTC) by console: qa is down"
    assert moved_between(before, before, [MOVED]) == ""


def test_what_a_header_or_a_pin_chose_was_not_moved():
    before = replace(consoling.an_exchange(), environment="qa")
    assert moved_between(before, replace(before, environment="test", override="header"), [MOVED]) == ""
