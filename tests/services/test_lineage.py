"""An exchange says which values of it come from where, and where its own are used next.

Covers: services/correlations.
"""

from gateway.correlation import Correlations
from gateway.correlation.model import Binding, Sink, Source
from gateway.model.recording import Recording
from gateway.services.lineage import flows_at


def a_binding(source, sink, status="auto"):
    return Binding(f"{source}{sink}", source, sink, (), "7", 0.99, (), status, "why", "order_id")


FOUND = Correlations(
    (
        a_binding(Source(1, "json", "/id"), Sink(2, "path", "3", "order_id")),
        a_binding(Source(1, "json", "/id"), Sink(3, "json", "/order")),
        a_binding(Source(1, "json", "/qty"), Sink(2, "json", "/qty"), "rejected"),
    ),
    (),
)
IDS = {1: "x1", 2: "x2"}


def test_an_answer_names_where_its_values_are_used_next():
    found = flows_at(FOUND, 1, IDS)
    assert found.taken == ()
    assert [(one.variable, one.here, one.step, one.there, one.exchange) for one in found.given] == [
        ("order_id", "json /id", 2, "path order_id", "x2"),
        ("order_id", "json /id", 3, "json /order", ""),
    ]


def test_a_request_names_where_its_values_came_from():
    (one,) = flows_at(FOUND, 2, IDS).taken
    assert (one.here, one.step, one.there, one.exchange) == ("path order_id", 1, "json /id", "x1")


async def test_the_page_links_both_ends(client, book, an_exchange):
    order = an_exchange(7, status=201, sent=b'{"sku": "A"}', answer=b'{"id": "ord-771203"}', reason="Created")
    paid = an_exchange(8, method="GET", target="/api/orders/orders/ord-771203", sent=b"", status=200, answer=b"{}")
    book.add(Recording("01KCHAIN", "A chain", "ada"), order, paid)
    first = await (await client.get(f"/_gateway/exchanges/{order.id}")).text()
    assert f'→ used next in <a href="/_gateway/exchanges/{paid.id}">step 2</a>' in first
    second = await (await client.get(f"/_gateway/exchanges/{paid.id}")).text()
    assert f'← came from <a href="/_gateway/exchanges/{order.id}">step 1</a>' in second
