"""Tryton, a business suite, over XML-RPC by positions: parties with addresses and contacts. Client: proteus."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from common import TAG, check, main
from proteus import Model, config


def models(base: str, session: str = "") -> Any:
    headers = [("Gateway-Session", session)] if session else []
    config.set_xmlrpc(f"{base.replace('://', '://admin:lovelace@')}/db/rpc/", headers=headers)
    return Model.get("party.party"), Model.get("party.category"), Model.get("party.contact_mechanism")


def seed(base: str) -> None:
    party, category, _ = models(base)
    for number in range(4):
        own = category(name=f"own {number}")
        own.save()
        one = party(name=f"own {number}")
        one.categories.append(own)
        one.save()


def flow(base: str, session: str) -> None:
    party, category, mechanism = models(base, session)
    made = category(name=f"crew {TAG}")
    made.save()
    emma = party(name=f"Emma {TAG}")
    emma.categories.append(made)
    emma.save()
    carl = party(name=f"Carl {TAG}")
    carl.save()
    phone = mechanism(party=emma, type="email", value="emma@example.com")
    phone.save()
    emma.reload()
    check(len(emma.contact_mechanisms) == 1, emma.contact_mechanisms)
    emma.name = f"Emma Rowe {TAG}"
    emma.save()
    carl.delete()


def state(base: str) -> Iterator[str]:
    party, category, mechanism = models(base)
    yield from (f"category {one.name}" for one in category.find([]))
    yield from (f"party {one.name} {[each.name for each in one.categories]}" for one in party.find([]))
    yield from (f"contact {one.value} of {one.party.name}" for one in mechanism.find([]))


main(seed, flow, state)
