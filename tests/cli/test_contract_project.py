"""`gateway init --from`: routes and forms from contracts; made again, what people edited stays.

Covers: cli/contract_project, cli/project_sources, demos/authoring/contract_demo, demos/authoring/contract_routes,
    demos/authoring/contract_steps, demos/authoring/contract_fields, demos/authoring/arazzo_steps.
"""

from __future__ import annotations

import json
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

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
    assert fields["status"].choices == ("", "new", "paid")
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


# -- other sources

ARAZZO = """\
arazzo: 1.0.1
info: {title: Order a book, version: '1'}
sourceDescriptions: [{name: shop, url: ./shop.yaml, type: openapi}]
workflows:
  - workflowId: order-a-book
    summary: Order a book and look at it
    inputs: {type: object, properties: {qty: {type: integer, default: 2}, password: {type: string}, note: {type: string, default: gift}}}
    steps:
      - stepId: create
        description: Create an order.
        operationId: createOrder
        parameters: [{name: X-Shop, in: header, value: $inputs.note}]
        requestBody:
          payload: {lines: [{qty: $inputs.qty}], secret: $inputs.password, text: "for {$inputs.note} {{x}}"}
          replacements: [{target: /lines/0/qty, value: 7}]
        outputs: {order_id: $response.body#/id}
      - stepId: read
        operationPath: '{$sourceDescriptions.shop.url}#/paths/~1orders~1{id}/get'
        parameters: [{name: id, in: path, value: $steps.create.outputs.order_id}]
      - stepId: gone
        operationId: $sourceDescriptions.shop.getOrder
        parameters: [{name: id, in: path, value: 0}]
        successCriteria: [{condition: $statusCode == 404}]
      - {stepId: other, workflowId: another}
      - {stepId: nowhere, operationId: nothing}
      - {stepId: list, operationId: listOrders, parameters: [{name: page, in: query, value: $inputs.qty}, {name: c, in: cookie, value: 1}]}
      - {stepId: page, operationId: listOrders, parameters: [{name: page, in: query, value: $inputs.qty}]}
"""


def test_an_arazzo_workflow_becomes_a_demo_step_by_step(tmp_path, capsys):
    (tmp_path / "shop.yaml").write_text(SHOP)
    (tmp_path / "order.arazzo.yaml").write_text(ARAZZO)
    assert init(tmp_path / "p", "--from", str(tmp_path / "order.arazzo.yaml")) == 0
    out = capsys.readouterr().out
    for left in ("other: it is a workflow of its own", "nowhere: no description has the operation nothing",
                 "list: a demo sends no parameter c in cookie"):  # fmt: skip
        assert f"order-a-book: step {left}" in out
    _, steps = demo_of(tmp_path / "p", "order-a-book")
    create, read, gone, page = steps.values()
    assert (create.title, str(create.call), create.headers) == (
        "Create an order",
        "POST shop:/orders",
        {"X-Shop": "{{ note }}"},
    )
    assert create.body.value == {
        "lines": [{"qty": 7}], "secret": "{{ password }}", "text": "for {{ note }} {{ '{{' }}x}}",
    }  # fmt: skip
    assert {one.name: (one.kind, one.default) for one in create.fields} == {
        "note": ("text", "gift"),
        "password": ("password", None),
    }
    assert [(one.name, one.source) for one in create.keep] == [("order_id", "$.id")]
    assert str(read.call) == "GET shop:/orders/{order_id}"
    assert (str(gone.call), gone.expect.text) == ("GET shop:/orders/0", "404")
    assert (page.query, page.fields[0].default) == ({"page": "{{ qty }}"}, 2)
    assert not (tmp_path / "p/templates/demos/shop").exists(), "the workflow is the demo of that contract"
    before = (tmp_path / "p/templates/demos/order-a-book/demo.yaml").read_bytes()
    assert init(tmp_path / "p", "--from", str(tmp_path / "order.arazzo.yaml")) == 0
    assert (tmp_path / "p/templates/demos/order-a-book/demo.yaml").read_bytes() == before
    assert (
        main(["demos", "check", "-c", str(tmp_path / "p/routes.yaml"), "--templates", str(tmp_path / "p/templates")])
        == 0
    )


def test_a_description_on_another_host_is_not_fetched_unless_it_is_named(tmp_path, capsys):
    (tmp_path / "shop.yaml").write_text(SHOP)
    (tmp_path / "a.yaml").write_text(ARAZZO.replace("./shop.yaml", "https://git.example/shop.yaml"))
    assert init(tmp_path / "p", "--from", str(tmp_path / "a.yaml")) == 3
    assert "--from https://git.example/shop.yaml" in capsys.readouterr().err
    assert init(tmp_path / "p", "--from", str(tmp_path / "a.yaml"), "--from", str(tmp_path / "shop.yaml")) == 0


FOREIGN = Path(__file__).parents[1] / "data" / "foreign"


def test_a_har_becomes_a_cluster_for_each_server_and_a_demo_without_secrets(tmp_path, capsys):
    secret = "s3cr3t-of-ada"
    text = (FOREIGN / "redocly.har").read_text()
    file = tmp_path / "checkout.har"
    har = json.loads(text)
    for entry in har["log"]["entries"]:
        entry["request"]["url"] = re.sub(r"http://[^/]+", "https://api.shop.example", entry["request"]["url"])
        entry["request"]["headers"].append({"name": "Authorization", "value": f"Bearer {secret}"})
    file.write_text(json.dumps(har))
    assert init(tmp_path / "p", "--from", str(file)) == 0
    table = load(tmp_path / "p/routes.yaml", environ={}, name="routes.yaml").table
    assert {name: one.upstreams["api-shop-example"].url for name, one in table.clusters.items()} == {
        "api-shop": "https://api.shop.example"
    }
    written, steps = demo_of(tmp_path / "p", "checkout")
    assert steps and {one.call.cluster for one in steps.values()} == {"api-shop"}
    assert secret not in written and written.startswith(f"# Made from {file}.")
    before = {one: one.read_bytes() for one in (tmp_path / "p").rglob("*") if one.is_file()}
    assert init(tmp_path / "p", "--from", str(file)) == 0
    assert {one: one.read_bytes() for one in (tmp_path / "p").rglob("*") if one.is_file()} == before
    assert "delete it to have it made anew" in capsys.readouterr().out


def test_a_postman_collection_becomes_a_demo(tmp_path, capsys):
    file = tmp_path / "shop.postman_collection.json"
    file.write_text(json.dumps({
        "info": {"name": "Buy a book", "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"},
        "variable": [{"key": "base", "value": "http://127.0.0.1:9/v1"}],
        "item": [{"name": "List", "request": {"method": "GET", "url": "{{base}}/books?page=2"}},
                 {"name": "Order", "request": {"method": "POST", "url": "{{base}}/orders", "body": {
                     "mode": "raw", "raw": '{"isbn": "978-1"}', "options": {"raw": {"language": "json"}}}}}],
    }))  # fmt: skip
    assert init(tmp_path / "p", "--from", str(file)) == 0
    _, steps = demo_of(tmp_path / "p", "buy-a-book")
    assert {title: str(one.call) for title, one in steps.items()} == {
        "List": "GET server:/v1/books", "Order": "POST server:/v1/orders",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["store", "order", "har"])
def test_a_demo_alone_is_made_beside_the_routes_that_are_there(project, tmp_path, capsys, name):
    (tmp_path / "shop.yaml").write_text(SHOP)
    order, har = tmp_path / "order.arazzo.yaml", tmp_path / "one.har"
    order.write_text(ARAZZO)
    har.write_text((FOREIGN / "redocly.har").read_text())
    source = {"store": project.parent / "store.yaml", "order": order, "har": har}[name]
    routes = ["-c", str(project / "routes.yaml"), "--templates", str(project / "templates")]
    capsys.readouterr()
    if name != "store":
        assert main(["demos", "new", "mine", "--from", str(source), *routes]) == 5
        assert f"gateway init {project} --from {source}" in capsys.readouterr().err
        assert init(project, "--from", str(source)) == 0
    assert main(["demos", "new", "mine", "--from", str(source), *routes]) == 0
    assert main(["demos", "check", "mine", *routes]) == 0
    assert main(["demos", "new", "mine", "--from", str(source), *routes]) == 2


def test_which_names_the_operation(project, capsys):
    routes = ["-c", str(project / "routes.yaml")]
    assert main(["which", "GET", "/api/book-store/nothing", *routes]) == 0
    assert "  operation none of contracts/book-store.yaml" in capsys.readouterr().out
    for path, said in (
        ("login", "POST /login, contracts/book-store.yaml:"),
        ("orders", "createOrder (/orders), contracts/book-store.yaml:"),
    ):
        assert main(["which", "POST", f"/api/book-store/{path}", *routes]) == 0
        assert f"  operation {said}" in capsys.readouterr().out
    assert main(["which", "POST", "/api/book-store/orders", "--json", *routes]) == 0
    assert json.loads(capsys.readouterr().out)["operation"]["name"] == "createOrder"
    (project / "contracts/book-store.yaml").write_text("openapi: 3")
    assert main(["which", "POST", "/api/book-store/orders", *routes]) == 0
    assert "  operation not known: " in capsys.readouterr().out


# -- kinds of documents that strangers have

STRANGE = """\
openapi: 3.1.0
info: {title: Strange, version: '1'}
security: [{key: []}]
servers: [{url: 'https://strange.example'}]
paths:
  /watch:
    get: {tags: [a], responses: {'200': {content: {application/json: {schema: {additionalProperties: {properties: {uuid: {}}}}}}}}}
    post:
      tags: [a]
      parameters: [{name: dry, in: query, required: true, schema: {type: boolean}}, {name: X-Shop, in: header, required: true, schema: {type: string, example: s1}}]
      requestBody: {content: {application/json: {schema: {properties: {url: {type: string, maxLength: 5000}, intent: {type: string, default: ''}, note: {type: string}}, required: [url]}}}}
      responses: {'200': {content: {text/plain: {schema: {type: string}}}}}
  /watch/{uuid}:
    get: {tags: [a], parameters: [{name: paused, in: query, schema: {enum: [paused, unpaused]}}], responses: {'200': {}}}
    delete: {tags: [a], responses: {'204': {}}}
  /watch/{uuid}/history:
    get: {tags: [b], responses: {'200': {}}}
  /tag:
    post: {tags: [c], responses: {'201': {content: {application/json: {schema: {properties: {uuid: {}}}}}}}}
  /tag/{uuid}:
    delete:
      tags: [c]
      requestBody: {content: {application/json: {schema: {properties: {force: {type: boolean, default: true}}}}}}
      responses: {'204': {}}
  /diff/{from}:
    post:
      tags: [d]
      parameters: [{name: from, in: path, required: true, schema: {oneOf: [{type: integer}, {type: string, enum: [previous]}], default: previous}}]
      requestBody: {content: {application/json: {schema: {anyOf: [{type: object, required: [n], properties: {n: {anyOf: [{type: integer, minimum: 2}, {type: 'null'}], description: How many}}}, {type: 'null'}]}}}}
      responses: {'200': {}}
  /import:
    post: {tags: [d], requestBody: {content: {text/csv: {schema: {type: string}, example: "a,b"}}}, responses: {'200': {}}}
  /login-form:
    post: {tags: [d], requestBody: {content: {application/x-www-form-urlencoded: {schema: {properties: {user: {type: string, example: ada}}}}}}, responses: {'200': {}}}
  /photo:
    post: {tags: [d], requestBody: {content: {multipart/form-data: {schema: {properties: {file: {type: string, format: binary}, alt: {type: string, example: x}}}}}}, responses: {'200': {}}}
  /blob:
    put: {tags: [d], requestBody: {content: {application/octet-stream: {schema: {type: string, format: binary}}}}, responses: {'200': {}}}
components: {securitySchemes: {key: {type: apiKey, in: header, name: x-api-key}}}
"""


@pytest.fixture
def strange(tmp_path):
    (tmp_path / "strange.yaml").write_text(STRANGE)
    assert init(tmp_path / "p", "--from", str(tmp_path / "strange.yaml")) == 0
    return {str(one.call): one for one in demo_of(tmp_path / "p", "strange")[1].values()}


def test_one_name_behind_different_words_is_several_values(strange):
    assert "GET strange:/watch/{watch_uuid}" in strange and "DELETE strange:/tag/{tag_uuid}" in strange
    kept = {call: {one.name: one.source for one in step.keep} for call, step in strange.items() if step.keep}
    assert kept == {
        "POST strange:/watch": {"watch_uuid": "$.uuid"},  # the contract says nothing of what comes back
        "GET strange:/watch": {"watch_uuid": "$.*.uuid"},  # the first of a map
        "POST strange:/tag": {"tag_uuid": "$.uuid"},
    }


def test_what_deletes_a_thing_comes_behind_all_that_asks_for_its_parts(strange):
    calls = list(strange)
    assert calls.index("DELETE strange:/watch/{watch_uuid}") == len(calls) - 1
    assert calls.index("DELETE strange:/tag/{tag_uuid}") == calls.index("POST strange:/tag") + 1


def test_every_kind_of_body_is_sent(strange):
    def body(call):
        step = strange[call]
        return (
            step.body.value if step.body else None,
            step.send,
            dict(step.headers or {}),
            [one.kind for one in step.fields],
        )

    assert body("DELETE strange:/tag/{tag_uuid}") == ({"force": "{{ force }}"}, "json", {}, ["text", "checkbox"])
    assert body("POST strange:/import") == ("{{ body }}", "json", {"Content-Type": "text/csv"}, ["textarea"])
    assert body("POST strange:/login-form") == (None, "form", {}, ["text"])
    assert body("POST strange:/photo") == (None, "multipart", {}, ["file", "text"])
    assert body("PUT strange:/blob") == ("{{ body }}", "multipart", {}, ["file"])
    create = strange["POST strange:/watch"]
    assert create.query == {"dry": "{{ dry }}"} and dict(create.headers) == {"X-Shop": "{{ X_Shop }}"}
    assert create.body.value == {"url": "{{ url }}"}, "what has no value is not sent"
    kinds = {one.name: (one.kind, one.default) for one in create.fields}
    assert kinds["url"][0] == "text" and kinds["X_Shop"] == ("text", "s1")


def test_what_nobody_chose_is_not_sent(strange):
    (field,) = (one for one in strange["GET strange:/watch/{watch_uuid}"].fields if one.name == "paused")
    assert field.choices == ("", "paused", "unpaused") and field.default is None


@pytest.mark.parametrize(
    ("scheme", "header"),
    [
        ("{type: apiKey, in: header, name: x-api-key}", '# headers: {x-api-key: "${STRANGE_KEY}"}'),
        ("{type: http, scheme: Bearer}", '# headers: {Authorization: "Bearer ${STRANGE_TOKEN}"}'),
        ("{type: http, scheme: basic}", '# headers: {Authorization: "Basic ${STRANGE_CREDENTIALS}"}'),
        ("{type: apiKey, in: cookie, name: sid}", None),
    ],
)
def test_the_credential_that_an_api_asks_for_is_a_line_to_uncomment(tmp_path, scheme, header):
    text = STRANGE.replace("{type: apiKey, in: header, name: x-api-key}", scheme)
    (tmp_path / "strange.yaml").write_text(text)
    assert init(tmp_path / "p", "--from", str(tmp_path / "strange.yaml")) == 0
    routes = tmp_path / "p/routes.yaml"
    assert (header in routes.read_text()) if header else ("headers" not in routes.read_text())
    routes.write_text(routes.read_text().replace("# headers", "headers"))
    environ = dict.fromkeys(("STRANGE_KEY", "STRANGE_TOKEN", "STRANGE_CREDENTIALS"), "x")
    assert load(routes, environ=environ, name="routes.yaml").problems == ()


def test_a_contract_without_servers_is_answered_where_it_was_fetched(tmp_path):
    """What FastAPI serves names no server: the one at "/" is meant, beside the document."""

    class Document(BaseHTTPRequestHandler):
        def do_GET(self):
            body = json.dumps({"openapi": "3.1.0", "info": {"title": "FastAPI", "version": "1"}, "paths": {
                "/settings": {"get": {"responses": {"200": {"content": {"application/json": {"schema": {"properties": {
                    "settings": {"type": "array", "items": {"properties": {"id": {}}}}, "warnings": {}}}}}}}}},
                "/settings/{name}": {"get": {"responses": {}}}}}).encode()  # fmt: skip
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Document) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        assert init(tmp_path / "p", "--from", f"{url}/docs/openapi.json") == 0
        server.shutdown()
    table = load(tmp_path / "p/routes.yaml", environ={}, name="routes.yaml").table
    assert {name: one.url for name, one in table.clusters["fastapi"].upstreams.items()} == {"dev": url}
    _, steps = demo_of(tmp_path / "p", "fastapi")
    assert [(keep.name, keep.source) for step in steps.values() for keep in step.keep] == [("name", "$.settings[0].id")]


def test_a_contract_may_say_at_its_end_what_it_is(tmp_path):
    paths = {f"/a{number}": {"get": {"responses": {"200": {"description": "x" * 100}}}} for number in range(60)}
    text = json.dumps({"paths": paths, "info": {"title": "Late", "version": "1"}, "openapi": "3.0.3"})
    assert text.index("openapi") > 4096
    (tmp_path / "late.json").write_text(text)
    assert init(tmp_path / "p", "--from", str(tmp_path / "late.json")) == 0
    assert (tmp_path / "p/contracts/late.json").exists()


def test_of_choices_the_one_beside_null_is_the_field_and_scalars_are_text(strange):
    fields = {one.name: one for one in strange["POST strange:/diff/{from}"].fields}
    assert (fields["from"].kind, fields["from"].default) == ("text", "previous")
    assert (fields["n"].kind, fields["n"].default, fields["n"].help) == ("number", 2, "How many")
