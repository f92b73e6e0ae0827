"""localstripe: customers, prices, subscriptions, refunds, in forms. Client: stripe."""

from __future__ import annotations

from collections.abc import Iterator

import stripe
from common import check, main


def client(base: str, session: str = "") -> stripe.StripeClient:
    http = stripe.RequestsClient()
    if session:
        import requests

        http._session = requests.Session()  # type: ignore[attr-defined]
        http._session.headers["Gateway-Session"] = session  # type: ignore[attr-defined]
    return stripe.StripeClient("sk_test_12345", base_addresses={"api": base}, http_client=http, max_network_retries=0)


def seed(base: str) -> None:
    client(base).v1.customers.create({"email": "own@example.com", "name": "own"})


def flow(base: str, session: str) -> None:
    c = client(base, session)
    ann = c.v1.customers.create({"email": "ann@example.com", "name": "Ann"})
    bob = c.v1.customers.create({"email": "bob@example.com", "name": "Bob"})
    card = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2030, "cvc": "123"}
    method = c.v1.payment_methods.create({"type": "card", "card": card})  # type: ignore[typeddict-item]
    c.v1.payment_methods.attach(method.id, {"customer": ann.id})
    intent = c.v1.payment_intents.create(
        {"amount": 1999, "currency": "eur", "customer": ann.id, "payment_method": method.id, "confirm": True}
    )
    check(intent.status == "succeeded", intent.status)
    c.v1.refunds.create({"charge": intent["charges"]["data"][0]["id"], "amount": 500})
    product = c.v1.products.create({"name": "Club", "type": "service"})  # type: ignore[typeddict-unknown-key]
    plan = c.v1.plans.create({"amount": 900, "currency": "eur", "interval": "month", "product": product.id})
    check(plan.id, "a plan")
    c.v1.customers.update(bob.id, {"name": "Robert"})
    c.v1.customers.delete(bob.id)
    check(c.v1.customers.retrieve(ann.id).name == "Ann", "Ann")


def state(base: str) -> Iterator[str]:
    c = client(base)
    people = {one.id: one.name for one in c.v1.customers.list({"limit": 100})}
    yield from (f"customer {name}" for name in people.values())
    for one in c.v1.charges.list({"limit": 100}):
        yield f"charge {one.amount} of {people.get(str(one.customer))} refunded {one.amount_refunded}"
    products = {one.id: one.name for one in c.v1.products.list({"limit": 100})}
    for plan in c.v1.plans.list({"limit": 100}):
        yield f"plan {plan.amount} of {products.get(str(plan.product))}"


main(seed, flow, state)
