"""Several processes that are one gateway: `serve --workers N`. I/O.

The owner is a whole gateway: console, API, demos, health, routes, sessions, the recordings. It takes no connection of
the traffic's port by itself: that socket is inherited by N workers, each of which accepts in turn, relays, seals, and
hands its rows to the owner. What a worker cannot serve goes to the owner with its connection.

    client ─> worker: a session that is lent to it ──────────────> upstream
                │  a step from shared memory (steps.py), its record to the owner, then the last bytes (records.py)
                └─ own pages, a session that was not lent, no session at all ─> owner (handover.py)
                       owner: serves it, or lends the session and gives the connection back (sessions.py, fleet.py)

Who has what:

    steps of a session      shared memory; the process that serves a request takes the next one
    recording, pins         the owner; a copy goes with each loan, and a loan ends before either changes
    playback, faults, runs  the owner: such sessions are not lent
    clients without cookie  the owner: how they are known is one table
    the route table         the owner; a move answers when every worker has the new one
    tokens of a recording   each process; the others learn them before more of that recording is written (records.py)
    recordings              the owner's writer thread, alone

What may never happen, beyond what each module says: a request that two processes answer; a client that waits for a
process that is gone (its connection closes with it).
"""
