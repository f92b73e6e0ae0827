"""`gateway init --from`: routes and forms from contracts; made again, what people edited stays.

Covers: cli/contract_project, demos/authoring/contract_demo, demos/authoring/contract_routes,
    demos/authoring/contract_steps.
"""

from __future__ import annotations

import pytest
from contracting import SHOP

from gateway.cli.main import main
from gateway.demos.authoring.contract_demo import again
from gateway.demos.authoring.contract_steps import ContractStep
from gateway.demos.definition.parse import parse_demo
from gateway.routes.files import load

STORE = """\
openapi: 3.1.0
info: {title: Book Store, version: '1'}
servers:
  - {url: https://qa.example/store, description: QA}
  - {url: 'https://{host}/store', variables: {host: {default: test.example}}, description: Test}
  - {url: /relative}
paths:
  /login:
    post:
      summary: Sign in
      requestBody: {content: {application/json: {schema: {type: object, required: [user, password], properties: {
        user: {type: string, examples: [ada]}, password: {type: string}}}}}}
      responses: {'200': {description: ok, content: {application/json: {schema: {type: object, properties: {token: {type: string}}}}}}}
  /orders:
    post:
      operationId: createOrder
      tags: [orders]
      security: [{bearer: []}]
      requestBody: {required: true, content: {application/json: {schema: {$ref: '#/components/schemas/Order'}}}}
      responses:
        '201': {description: made, content: {application/json: {schema: {$ref: '#/components/schemas/Order'}}},
                links: {receipt: {operationId: getReceipt, parameters: {receiptId: $response.body#/receipt}}}}
        '400': {description: no}
        '401': {description: who}
    get: {operationId: listOrders, tags: [orders], parameters: [{name: page, in: query, schema: {type: integer, minimum: 1}}],
          responses: {'200': {description: ok}}}
  /orders/{order-id}:
    parameters: [{name: order-id, in: path, required: true, schema: {type: integer}}]
    delete: {operationId: dropOrder, tags: [orders], responses: {'204': {description: gone}, '404': {description: none}}}
    get: {operationId: getOrder, tags: [orders], responses: {'200': {description: ok}, '404': {description: none}}}
  /receipts/{receiptId}:
    get: {operationId: getReceipt, tags: [orders], parameters: [{name: receiptId, in: path, required: true, schema: {type: string}}],
          responses: {'200': {description: ok}}}
components:
  securitySchemes: {bearer: {type: http, scheme: bearer}}
  schemas:
    Order:
      type: object
      required: [isbn, qty]
      properties:
        id: {type: integer, readOnly: true}
        isbn: {type: string, pattern: '^[0-9-]+$', examples: ['978-1']}
        qty: {type: integer, minimum: 1, maximum: 99}
        status: {type: string, enum: [new, paid]}
        note: {type: string, maxLength: 1000}
        gift: {type: boolean}
        lines: {type: array, items: {type: object}}
"""


def init(folder, *words):
    return main(["init", str(folder), *words])


@pytest.fixture
def project(tmp_path):
    """A folder with what `init --from` made of STORE."""
    (tmp_path / "store.yaml").write_text(STORE)
    assert init(tmp_path / "p", "--from", str(tmp_path / "store.yaml")) == 0
    return tmp_path / "p"


def demo_of(project, name="book-store"):
    text = (project / "templates/demos" / name / "demo.yaml").read_text()
    parsed = parse_demo(text.encode(), name=name, file="demo.yaml", files=())
    assert parsed.problems == ()
    return text, {step.title: step for step in parsed.demo.steps}


def test_routes_have_a_cluster_with_an_environment_for_each_server(project):
    loaded = load(project / "routes.yaml", environ={}, name="routes.yaml")
    (cluster,) = loaded.table.clusters.values()
    assert (cluster.name, cluster.prefix, cluster.environment) == ("book-store", b"/api/book-store", "qa")
    assert {name: one.url for name, one in cluster.upstreams.items()} == {
        "qa": "https://qa.example/store", "test": "https://test.example/store",
    }  # fmt: skip
    assert cluster.contract.shown == "contracts/book-store.yaml"
    assert (project / "contracts/book-store.yaml").read_text() == STORE


def test_steps_are_chained_with_fields_that_fit(project, capsys):
    _, steps = demo_of(project)
    assert list(steps) == ["Sign in", "Create order", "List orders", "Get order", "Drop order", "Get receipt"]
    create = steps["Create order"]
    fields = {one.name: one for one in create.fields}
    assert list(fields) == ["isbn", "qty", "status", "note", "gift", "lines"]
    assert (fields["isbn"].default, fields["isbn"].rules.required, fields["isbn"].rules.pattern) == (
        "978-1",
        True,
        "[0-9-]+",
    )
    rules = fields["qty"].rules
    assert (fields["qty"].kind, rules.min, rules.max, rules.step, rules.required) == ("number", 1, 99, 1, True)
    assert fields["status"].choices == ("new", "paid")
    assert [fields[name].kind for name in ("note", "gift", "lines")] == ["textarea", "checkbox", "json"]
    assert {keep.name: keep.source for keep in create.keep} == {"receiptId": "$.receipt", "order_id": "$.id"}
    assert create.headers == {"Authorization": "Bearer {{ token }}"}
    assert str(steps["Get order"].call) == "GET book-store:/orders/{order_id}"
    assert [keep.name for keep in steps["Sign in"].keep] == ["token"]
    assert next(one for one in steps["Sign in"].fields if one.name == "password").is_secret
    what_ifs = {one.name: one for one in create.what_ifs}
    assert (what_ifs["without isbn"].expect.text, what_ifs["without isbn"].unset) == ("400", ("isbn",))
    assert what_ifs["without isbn"].why == "From the contract, not seen yet: isbn is required."
    assert what_ifs["without a credential"].expect.text == "401"
    assert [one.expect.text for one in steps["Get order"].what_ifs] == ["404"]
    assert main(["demos", "check", "-c", str(project / "routes.yaml"), "--templates", str(project / "templates")]) == 0


def test_made_again_nothing_changes_and_no_second_cluster_is_made(project, capsys):
    files = {file: file.read_bytes() for file in project.rglob("*") if file.is_file()}
    assert init(project, "--from", str(project.parent / "store.yaml")) == 0
    assert init(project, "--from", str(project / "contracts/book-store.yaml")) == 0
    assert {file: file.read_bytes() for file in project.rglob("*") if file.is_file()} == files


def test_a_step_that_was_edited_keeps_its_bytes_and_all_others_are_new(project, capsys):
    file = project / "templates/demos/book-store/demo.yaml"
    edited = file.read_text().replace("title: Create order", "title: Buy a book")
    file.write_text(edited)
    changed = STORE.replace("maximum: 99", "maximum: 10").replace(
        "operationId: listOrders", "operationId: listOrders, summary: All orders"
    )
    (project.parent / "store.yaml").write_text(
        changed.replace("get: {operationId: getOrder,", "patch: {operationId: changeOrder,")
    )
    capsys.readouterr()
    assert init(project, "--from", str(project.parent / "store.yaml")) == 0
    out, text = capsys.readouterr().out, file.read_text()
    at = edited.index("  # contract: createOrder")
    step = edited[at : edited.index("  # contract:", at + 5)]
    assert step in text
    line = edited[:at].count("\n") + 1
    assert f"demo.yaml:{line}: kept, edited by hand; the contract now says otherwise" in out and "max: 10" in out
    assert "title: All orders" in text and "title: List orders" not in text
    assert "# contract: changeOrder" in text
    assert "getOrder is not in the contract any more; --prune deletes it" in out and "# contract: getOrder" in text
    assert init(project, "--from", str(project.parent / "store.yaml"), "--prune") == 0
    assert "# contract: getOrder" not in file.read_text() and step in file.read_text()


def test_a_second_contract_is_added_to_the_routes_that_are_there(project, tmp_path):
    (tmp_path / "shop.yaml").write_text(SHOP)
    routes = project / "routes.yaml"
    before = routes.read_text()
    assert init(project, "--from", str(tmp_path / "shop.yaml")) == 0
    table = load(routes, environ={}, name="routes.yaml").table
    assert list(table.clusters) == ["shop", "book-store"]
    assert table.environments == ("qa", "test", "shop-example")
    assert [line for line in before.splitlines() if line not in routes.read_text().splitlines()] == [
        line for line in before.splitlines() if line.startswith("environments:")
    ]
    demo_of(project, "shop")


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [("swagger: '2.0'\npaths: {}\n", 3, "convert it to 3.x"), ("a: [", 3, "it is not YAML"), (None, 3, "No such file")],
)
def test_a_source_that_cannot_be_read_leaves_everything_as_it_was(tmp_path, capsys, text, code, said):
    source = tmp_path / "x.yaml"
    if text is not None:
        source.write_text(text)
    assert init(tmp_path / "p", "--from", str(source)) == code
    assert said in capsys.readouterr().err
    assert not (tmp_path / "p" / "routes.yaml").exists()


def test_without_a_server_the_place_for_ones_own_url_is_marked(tmp_path):
    (tmp_path / "x.yaml").write_text(
        "openapi: 3.0.0\ninfo: {title: '', version: '1'}\npaths: {/a: {get: {responses: {}}}}\n"
    )
    assert init(tmp_path / "p", "--from", str(tmp_path / "x.yaml")) == 0
    assert "the contract names no server: put your own URL here" in (tmp_path / "p/routes.yaml").read_text()


def test_steps_written_by_hand_between_made_ones_stay_where_they_are():
    made = [
        ContractStep("a", "A", ("  - title: A", "    call: GET x:/a")),
        ContractStep("b", "B", ("  - title: B", "    call: GET x:/b")),
    ]
    own = ["  # my own", "  - title: Mine", "    call: GET x:/mine", ""]
    old = "\n".join(["title: T", "steps:", *made[0].text, "", *own, *made[1].text]) + "\n"
    newer = [ContractStep("a", "A", ("  - title: A2", "    call: GET x:/a")), made[1]]
    found = again(old, newer, file="demo.yaml")
    assert found.text == old.replace(made[0].text[0], newer[0].text[0]).replace("title: A\n", "title: A2\n")
    assert (found.changed, found.added, found.notes) == (1, 0, ())
    assert again(found.text, newer, file="demo.yaml").text == found.text
