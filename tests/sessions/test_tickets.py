"""One-time tickets: good once, for one purpose, for some minutes, and few at a time."""

from gateway.sessions.tickets import Tickets


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_a_ticket_is_good_once():
    tickets = Tickets()
    ticket = tickets.issue("client·a", "join")
    assert tickets.session_of(ticket, "join") == "client·a"
    assert tickets.redeem(ticket, "join") == "client·a"
    assert tickets.redeem(ticket, "join") is None and tickets.session_of(ticket, "join") is None


def test_a_ticket_is_for_one_purpose():
    tickets = Tickets()
    ticket = tickets.issue("client·a", "pin")
    assert tickets.redeem(ticket, "join") is None
    assert tickets.redeem(ticket, "pin") == "client·a"


def test_a_ticket_grows_old():
    clock = Clock()
    tickets = Tickets(clock=clock)
    ticket = tickets.issue("client·a", "join", lasts=60)
    clock.now = 61
    assert tickets.redeem(ticket, "join") is None


def test_what_is_no_ticket_opens_nothing():
    tickets = Tickets()
    tickets.issue("client·a", "join")
    assert all(tickets.redeem(word, "join") is None for word in ("", "client·a", "\udcff", "x" * 10_000))


def test_ten_times_as_many_as_wait_at_most():
    tickets = Tickets(most=100)
    issued = [tickets.issue(f"s{n}", "join") for n in range(1000)]
    assert len(tickets._waiting) == 100
    assert tickets.redeem(issued[-1], "join") == "s999" and tickets.redeem(issued[0], "join") is None
