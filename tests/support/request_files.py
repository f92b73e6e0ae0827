"""Request files as tools write them, made anew: one for each tool and kind, with what they hold and what is left out."""

from __future__ import annotations

import json
from dataclasses import dataclass


@dataclass(frozen=True)
class RequestFile:
    """`sent`: method, URL and body of each request; `left_out`: how many entries of the file are in no step."""

    format: str
    text: str
    sent: tuple[tuple[str, str, str], ...]
    headers: tuple[tuple[int, str, str], ...] = ()  # (step, name, value)
    left_out: tuple[str, ...] = ()  # words of the report


VSCODE = """\
@host = https://shop.example
@token = abc123

###
# @name login
POST {{host}}/login HTTP/1.1
Content-Type: application/json

{"user": "ada"}

### the list
GET {{host}}/orders
    ?page=2
    &size=10
Authorization: Bearer {{token}}

###
GET https://shop.example/private
Authorization: Basic ada lovelace

###
POST {{host}}/graphql
X-REQUEST-TYPE: GraphQL

query Q($id: ID!) { order(id: $id) { total } }

{"id": "7"}

### a form
POST {{host}}/form
Content-Type: application/x-www-form-urlencoded

name=ada
&born=1815

### needs an earlier response
GET {{host}}/me
X-Token: {{login.response.body.$.token}}
"""

JETBRAINS = """\
### Create
< {%
    client.global.set("id", "7")
%}
POST https://shop.example/items
Content-Type: application/json

{
  "name": "lamp"
}

> {%
    client.test("created", function () { client.assert(response.status === 201) })
%}

### Short form
https://shop.example/items/7

### Upload
POST https://shop.example/upload
Content-Type: multipart/form-data; boundary=WebAppBoundary

--WebAppBoundary
Content-Disposition: form-data; name="title"

Moon
--WebAppBoundary--

### Socket
WEBSOCKET ws://shop.example/events

### Comment between
# a comment
GET https://shop.example/a?b=c
// another
Accept: text/plain
"""

HTTPYAC = """\
@base=https://api.example

{{
  exports.now = Date.now();
}}

### one
# @no-redirect
GET {{base}}/one
?? status == 200

### two
PUT {{base}}/two
Content-Type: text/plain

hello
> ./saved.txt
"""

VISUAL_STUDIO = """\
@Weather_HostAddress = http://localhost:5118

GET {{Weather_HostAddress}}/weatherforecast/
Accept: application/json

###
DELETE {{Weather_HostAddress}}/weatherforecast/3
"""

HURL = """\
# sign in
POST https://shop.example/login?next=\\#top
User-Agent: curl \\# 8
[FormParams]
user: ada
password: lovelace & co
HTTP 302
[Captures]
token: header "X-Token"
[Asserts]
header "Location" == "/"

# a list
GET https://shop.example/orders
[QueryStringParams]
page: 2
q: two words
[Cookies]
theme: dark
[BasicAuth]
ada: lovelace
HTTP 200
[Asserts]
jsonpath "$.items" count == 2
{"items": [1, 2]}

PUT https://shop.example/orders/7
[Options]
variable: qty=3
{
  "qty": {{qty}},
  "text": "a } b"
}
HTTP 200

POST https://shop.example/text
```
line one
line two
```
HTTP *

POST https://shop.example/raw
hex,68656c6c6f;

POST https://shop.example/one
`a\\u{20ac}b`

GET https://shop.example/later
[Options]
skip: true
HTTP 200
"""

BRU = """\
meta {
  name: Pay
  type: http
  seq: 2
}

post {
  url: https://shop.example/orders/:id/pay?dry=true
  body: json
  auth: bearer
}

params:query {
  dry: true
  ~debug: 1
}

params:path {
  id: 7
}

headers {
  X-A: 1
  ~X-Off: 2
}

auth:bearer {
  token: abc
}

body:json {
  {
    "amount": 5
  }
}

vars:pre-request {
  unused: x
}

tests {
  test("paid", () => {});
}

docs {
  Pays an order.
}
"""

OPEN_COLLECTION = """\
opencollection: 1.0.0
info: {name: Shop}
request:
  variables: [{name: base, value: "https://shop.example"}]
  headers: [{name: X-All, value: "yes"}]
  auth: {type: basic, username: ada, password: lovelace}
bundled: true
items:
  - info: {name: Later, type: http, seq: 2}
    http: {method: GET, url: "{{base}}/later", params: [{name: q, value: two words, type: query}]}
  - info: {name: Orders, type: folder, seq: 1}
    items:
      - info: {name: Form, type: http, seq: 1}
        http:
          method: POST
          url: "{{base}}/form"
          body: {type: form-urlencoded, data: [{name: a b, value: "1&2"}, {name: off, value: x, disabled: true}]}
        examples:
          - name: fine
            response: {status: 201, statusText: Created, headers: [{name: Content-Type, value: text/plain}], body: {type: text, data: done}}
      - info: {name: Socket, type: websocket, seq: 2}
        websocket: {url: "wss://shop.example"}
"""

INSOMNIA_4 = json.dumps({
    "_type": "export", "__export_format": 4, "__export_source": "insomnia.desktop.app:v2023",
    "resources": [
        {"_id": "wrk_1", "_type": "workspace", "parentId": None, "name": "Shop"},
        {"_id": "env_1", "_type": "environment", "parentId": "wrk_1", "data": {"base": "https://shop.example", "api": {"v": "v2"}}},
        {"_id": "env_2", "_type": "environment", "parentId": "env_1", "name": "QA", "data": {"token": "abc"}},
        {"_id": "fld_1", "_type": "request_group", "parentId": "wrk_1", "name": "Orders", "metaSortKey": -20},
        {"_id": "req_2", "_type": "request", "parentId": "wrk_1", "name": "Last", "metaSortKey": -10, "method": "GET",
         "url": "{{ _.base }}/last", "headers": [{"name": "X-Off", "value": "1", "disabled": True}],
         "authentication": {"type": "apikey", "key": "k", "value": "v", "addTo": "queryParams"}},
        {"_id": "req_1", "_type": "request", "parentId": "fld_1", "name": "Pay", "metaSortKey": -5, "method": "POST",
         "url": "{{ base }}/{{ _.api.v }}/orders/:id", "pathParameters": [{"name": "id", "value": "7"}],
         "parameters": [{"name": "dry", "value": "yes no"}, {"name": "off", "value": "1", "disabled": True}],
         "body": {"mimeType": "application/json", "text": "{\"amount\": 5}"},
         "headers": [{"name": "Content-Type", "value": "application/json"}],
         "authentication": {"type": "bearer", "token": "{{ token }}"}},
        {"_id": "req_3", "_type": "request", "parentId": "fld_1", "name": "Graph", "metaSortKey": -1, "method": "POST",
         "url": "{{ base }}/graphql", "body": {"mimeType": "application/graphql", "text": "{\"query\":\"{ a }\"}"}},
        {"_id": "ws_1", "_type": "websocket_request", "parentId": "wrk_1", "name": "Socket", "url": "ws://shop.example"},
    ],
})  # fmt: skip

INSOMNIA_5 = """\
type: collection.insomnia.rest/5.0
name: Shop
meta: {id: wrk_1}
collection:
  - url: "{{ _.base }}/form"
    name: Form
    meta: {id: req_1, sortKey: 2}
    method: POST
    body:
      mimeType: application/x-www-form-urlencoded
      params: [{name: a, value: "1"}, {name: b, value: "2", disabled: true}]
    scripts: {afterResponse: "insomnia.test('x', () => {})"}
  - name: Folder
    meta: {id: fld_1, sortKey: 1}
    headers: [{name: X-Folder, value: "1"}]
    children:
      - url: "{{ _.base }}/tag"
        name: Tag
        method: GET
        meta: {id: req_2, sortKey: 1}
        headers: [{name: X-Now, value: "{% now 'iso' %}"}]
environments:
  name: Base
  data: {base: "https://shop.example"}
"""

SHOP = "https://shop.example"
FILES: dict[str, RequestFile] = {
    "VS Code REST Client": RequestFile(
        "http", VSCODE,
        (
            ("POST", f"{SHOP}/login", '{"user": "ada"}'), ("GET", f"{SHOP}/orders?page=2&size=10", ""),
            ("GET", f"{SHOP}/private", ""),
            ("POST", f"{SHOP}/graphql", '{"query":"query Q($id: ID!) { order(id: $id) { total } }","variables":{"id":"7"}}'),
            ("POST", f"{SHOP}/form", "name=ada&born=1815"), ("GET", f"{SHOP}/me", ""),
        ),
        ((2, "Authorization", "Bearer abc123"), (3, "Authorization", "Basic YWRhOmxvdmVsYWNl"), (4, "Content-Type", "application/json")),
        ("login.response.body.$.token",),
    ),
    "JetBrains HTTP Client": RequestFile(
        "http", JETBRAINS,
        (
            ("POST", f"{SHOP}/items", '{\n  "name": "lamp"\n}'), ("GET", f"{SHOP}/items/7", ""),
            ("POST", f"{SHOP}/upload", '--WebAppBoundary\r\nContent-Disposition: form-data; name="title"\r\n\r\nMoon\r\n--WebAppBoundary--\r\n'),
            ("GET", f"{SHOP}/a?b=c", ""),
        ),
        ((4, "Accept", "text/plain"),), ("2 scripts", "only HTTP is imported"),
    ),
    "httpyac": RequestFile(
        "http", HTTPYAC,
        (("GET", "https://api.example/one", ""), ("PUT", "https://api.example/two", "hello")),
        (), ("script", "response handler"),
    ),
    "Visual Studio": RequestFile(
        "http", VISUAL_STUDIO,
        (("GET", "http://localhost:5118/weatherforecast/", ""), ("DELETE", "http://localhost:5118/weatherforecast/3", "")),
        ((1, "Accept", "application/json"),),
    ),
    "Hurl": RequestFile(
        "hurl", HURL,
        (
            ("POST", f"{SHOP}/login?next=", "user=ada&password=lovelace%20%26%20co"), ("GET", f"{SHOP}/orders?page=2&q=two%20words", ""),
            ("PUT", f"{SHOP}/orders/7", '{\n  "qty": 3,\n  "text": "a } b"\n}'), ("POST", f"{SHOP}/text", "line one\nline two\n"),
            ("POST", f"{SHOP}/raw", "hello"), ("POST", f"{SHOP}/one", "a€b"),
        ),
        ((1, "User-Agent", "curl # 8"), (2, "Cookie", "theme=dark"), (2, "Authorization", "Basic YWRhOmxvdmVsYWNl"),
         (3, "Content-Type", "application/json")),
        ("its option skip", "8 expected"),
    ),
    "Bruno, one request": RequestFile(
        "bruno", BRU, (("POST", f"{SHOP}/orders/7/pay?dry=true", '{\n  "amount": 5\n}'),),
        ((1, "X-A", "1"), (1, "Authorization", "Bearer abc"), (1, "Content-Type", "application/json")), ("1 test script",),
    ),
    "OpenCollection": RequestFile(
        "bruno", OPEN_COLLECTION,
        (("POST", f"{SHOP}/form", "a%20b=1%262"), ("GET", f"{SHOP}/later?q=two%20words", "")),
        ((1, "X-All", "yes"), (2, "Authorization", "Basic YWRhOmxvdmVsYWNl")), ("the item Socket",),
    ),
    "Insomnia 4": RequestFile(
        "insomnia", INSOMNIA_4,
        (
            ("POST", f"{SHOP}/v2/orders/7?dry=yes%20no", '{"amount": 5}'), ("POST", f"{SHOP}/graphql", '{"query":"{ a }"}'),
            ("GET", f"{SHOP}/last?k=v", ""),
        ),
        ((1, "Authorization", "Bearer abc"), (2, "Content-Type", "application/json")), ("1 of the kind websocket_request",),
    ),
    "Insomnia 5": RequestFile(
        "insomnia", INSOMNIA_5, (("GET", f"{SHOP}/tag", ""), ("POST", f"{SHOP}/form", "a=1")),
        ((1, "X-Folder", "1"),), ("1 template tag", "1 script"),
    ),
}  # fmt: skip

# A folder of Bruno, as a repository has it.
BRUNO_FOLDER = {
    "shop/bruno.json": '{"version": "1", "name": "Shop", "type": "collection"}',
    "shop/collection.bru": "headers {\n  X-All: yes\n}\n\nauth {\n  mode: basic\n}\n\nauth:basic {\n  username: ada\n  password: lovelace\n}\n",
    "shop/environments/local.bru": "vars {\n  base: https://shop.example\n}\n",
    "shop/environments/qa.bru": "vars {\n  base: https://qa.shop.example\n}\n",
    "shop/orders/folder.bru": "meta {\n  name: All orders\n  seq: 1\n}\n",
    "shop/orders/list.bru": "meta {\n  name: List\n  type: http\n  seq: 2\n}\n\nget {\n  url: {{base}}/orders\n  body: none\n  auth: inherit\n}\n",
    "shop/orders/new.bru": (
        "meta {\n  name: New\n  type: http\n  seq: 1\n}\n\npost {\n  url: {{base}}/orders\n  body: multipartForm\n  auth: none\n}\n\n"
        "body:multipart-form {\n  note: '''\n    two\n    lines\n  '''\n  cover: @file(cover.png)\n}\n"
    ),
    "shop/cover.png": "PNG",
    "shop/last.bru": "meta {\n  name: Last\n  type: http\n  seq: 9\n}\n\nhead {\n  url: {{base}}/last\n  body: none\n  auth: inherit\n}\n",
}  # fmt: skip
