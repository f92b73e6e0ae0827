"""The hot path: clients on one side, upstreams on the other, a tap in between. I/O.

`client` speaks with clients, `upstream` with upstreams, `flow` is one exchange between them,
`heads` decides the fate of every header, `relay` holds what they share.
"""
