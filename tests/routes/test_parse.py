"""Everything wrong with a routes.yaml is said at once, with its place and a suggestion.

Covers: routes/yaml.
"""

from __future__ import annotations

import json
import time
import tracemalloc

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.routes import yaml as yaml_nodes
from gateway.routes.parse import ParsedRoutes, bundle, parse, unbundle

GOOD = """\
version: 1
environments: [dev, test, qa]
clusters:
  orders:
    path: /api/orders
    environment: qa
    upstreams:
      test: http://127.0.0.1:9203
      qa: http://127.0.0.1:9303
"""


def lines(text: str | bytes, **options) -> list[str]:
    return [str(problem) for problem in parsed(text, **options).problems]


def parsed(text: str | bytes, **options) -> ParsedRoutes:
    return parse(text if isinstance(text, bytes) else text.encode(), **options)


def changed(old: str, new: str) -> str:
    assert GOOD.count(old) == 1
    return GOOD.replace(old, new)


def with_upstream(text: str) -> str:
    return changed("      qa: http://127.0.0.1:9303\n", f"      qa:\n        url: https://qa.example\n        {text}\n")


def test_a_good_file_has_no_problems() -> None:
    found = parsed(GOOD)
    assert found.problems == ()
    assert found.config is not None
    assert found.config.clusters["orders"].environment == "qa"


def test_a_byte_order_mark_and_windows_line_ends_are_fine() -> None:
    assert lines(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode()) == []


def test_all_problems_at_once_in_the_order_of_the_file() -> None:
    text = changed("environment: qa", "environment: qaa").replace("      test:", "      tset:") + "  pay: {pth: /p}\n"
    assert lines(text) == [
        "routes.yaml:6:18: error: clusters.orders.environment: 'qaa' is not one of dev, test, qa; did you mean 'qa'?",
        "routes.yaml:8:7: error: clusters.orders.upstreams.tset: 'tset' is not one of dev, test, qa; did you mean 'test'?",
        "routes.yaml:10:8: error: clusters.pay: 'path' is missing",
        "routes.yaml:10:9: error: clusters.pay.pth: unknown key 'pth'; did you mean 'path'?",
    ]


def test_no_config_while_there_are_problems() -> None:
    assert parsed(changed("environment: qa", "environment: dev")).config is None


CASES = {
    "environment without upstream": (
        changed("environment: qa", "environment: dev"),
        "6:18: error: clusters.orders.environment: orders has no upstream in 'dev'; it has test, qa",
    ),
    "unknown key": (
        changed("    upstreams:", "    upstrem: 1\n    upstreams:"),
        "7:5: error: clusters.orders.upstrem: unknown key 'upstrem'; did you mean 'upstreams'?",
    ),
    "unknown key far from any": (
        GOOD + "zzz: 1\n",
        ("10:1: error: zzz: unknown key 'zzz'; known here: version, environments, clusters, writes, redact, cors, "
        "recording, include"),
    ),
    "missing key": (changed("    path: /api/orders\n", ""), "5:5: error: clusters.orders: 'path' is missing"),
    "wrong version": (changed("version: 1", "version: 1.10"), "1:10: error: version: '1.10' is not 1"),
    "no mapping": (changed("  orders:\n", "  other: text\n  orders:\n"), "4:10: error: clusters.other: expected a mapping, found 'text'"),
    "no list": (changed("[dev, test, qa]", "dev"), "2:15: error: environments: expected a list, found 'dev'"),
    "empty list": (changed("[dev, test, qa]", "[]"), "2:15: error: environments: it is empty; at least one is needed"),
    "a number for text": (
        changed("environment: qa", "environment: 7"),
        "6:18: error: clusters.orders.environment: '7' is a number to YAML; put it in quotes if it is text: \"7\"",
    ),
    "a mapping for text": (
        changed("path: /api/orders", "path: {a: b}"),
        "5:11: error: clusters.orders.path: expected text, found a mapping",
    ),
    "repeated environment": (
        changed("[dev, test, qa]", "[dev, test, qa, dev]"),
        "2:31: error: environments[3]: 'dev' stands twice: first in line 2",
    ),
    "bad name": (
        changed("  orders:", "  my orders:"),
        ("4:3: error: clusters.my orders: 'my orders' is no name: letters, digits, '-', '_' and '.', at most 64, "
        "beginning with a letter or digit"),
    ),
    "no slash": (changed("path: /api", "path: api"), "5:11: error: clusters.orders.path: 'api/orders' must begin with '/'"),
    "our own path": (
        changed("/api/orders", "/_gateway/x"),
        "5:11: error: clusters.orders.path: '/_gateway/x' belongs to the gateway's own pages",
    ),
    "dots in a path": (
        changed("/api/orders", "/api/../x"),
        "5:11: error: clusters.orders.path: '/api/../x' can never match: it has a dot segment",
    ),
    "umlaut in a path": (
        changed("/api/orders", "/bücher"),
        ("5:11: error: clusters.orders.path: '/bücher' has characters that stand percent-encoded in a URL; write it as "
        "clients send it"),
    ),
    "same path": (
        GOOD + "  pay: {path: /api/orders/, environment: qa, upstreams: {qa: http://a.example}}\n",
        "10:15: error: clusters.pay.path: '/api/orders/' is the path of orders already (line 5)",
    ),
    "same key": (
        GOOD + "  orders: {}\n",
        "10:3: error: the key 'orders' stands twice: first in line 4, again in line 10",
    ),
    "tag": (changed("environment: qa", "environment: !!python/name:os.system qa"), "6:18: error: the tag "),
    "tab": (changed("    path:", "\tpath:"), "5:1: error: found character that cannot start any token; indent with spaces, not tabs"),
    "unclosed": (changed("[dev, test, qa]", "[dev, test, qa"), "3:9: error: did not find expected ',' or ']' (while parsing a flow sequence that begins in line 2)"),
    "variable within braces": (
        with_upstream("timeout: {connect: ${T}}"),
        "11:29: error: did not find expected ',' or '}'; put ${...} in quotes where it stands within { }",
    ),
    "NUL": (changed("qa: http", "qa: \0http"), "9:11: error: character U+0000 is not allowed in YAML"),
    "not UTF-8": (GOOD.encode() + b"# caf\xe9\n", "10:6: error: byte 0xe9 is not UTF-8; save it as UTF-8"),
    "UTF-16": (GOOD.encode("utf-16"), "1:1: error: it is UTF-16; save it as UTF-8"),
    "empty": ("", "1:1: error: it is empty; `gateway init` writes one to start with"),
    "comments only": ("# later\n", "1:1: error: it is empty; `gateway init` writes one to start with"),
    "a list": ("- a\n", "1:1: error: expected a mapping with version, environments and clusters, found a list"),
    "two documents": (GOOD + "---\n" + GOOD, "10:1: error: a second document begins here; a file holds one"),
    "unknown alias": (changed("environment: qa", "environment: *qa"), "6:18: error: "),
    "own address": (
        changed("http://127.0.0.1:9303", "http://localhost:8080"),
        ("9:11: error: clusters.orders.upstreams.qa: http://localhost:8080 is the gateway itself; a request would go "
        "round in circles"),
    ),
    "tls without https": (
        with_upstream("tls: {verify: false}").replace("https://qa", "http://qa"),
        "11:9: error: clusters.orders.upstreams.qa.tls: it needs a URL that begins with https://",
    ),
    "key without cert": (
        with_upstream("tls: {key: me.key}"),
        "11:14: error: clusters.orders.upstreams.qa.tls: a key needs its certificate: cert",
    ),
    "duration": (
        with_upstream("timeout: {connect: soon}"),
        "11:28: error: clusters.orders.upstreams.qa.timeout.connect: 'soon' is not a duration such as 200ms, 5s, 2m or 2h",
    ),
    "header name": (
        with_upstream('headers: {"X Y": a}'),
        "11:19: error: clusters.orders.upstreams.qa.headers.X Y: 'X Y' is no name of a header field",
    ),
    "framing header": (
        with_upstream('headers: {Content-Length: "1"}'),
        "11:19: error: clusters.orders.upstreams.qa.headers.Content-Length: Content-Length is set by the gateway itself",
    ),
    "header injection": (
        with_upstream('headers: {X: "secret\\r\\nY: 1"}'),
        ("11:19: error: clusters.orders.upstreams.qa.headers.X: the value of X has a line break, a control character or "
        "space around it"),
    ),
    "pattern": (
        with_upstream("rewrite: {'/a(': /b}"),
        ("11:19: error: clusters.orders.upstreams.qa.rewrite: '/a(' is no regular expression: missing ), unterminated "
        "subpattern at position 2"),
    ),
    "runaway pattern": (
        with_upstream("rewrite: {'^(a+)+$': /b}"),
        ("11:19: error: clusters.orders.upstreams.qa.rewrite: '^(a+)+$' repeats a group that holds a repetition or "
        "alternatives, which can take forever; write it without the outer * or +"),
    ),
    "group": (
        with_upstream("rewrite: {'/a': '/\\2'}"),
        ("11:19: error: clusters.orders.upstreams.qa.rewrite: '/\\2' does not fit '/a': invalid group reference 2 at "
        "position 2"),
    ),
    "fault": (
        GOOD + "    fault: {rate: 2}\n",
        "10:12: error: clusters.orders.fault: say what happens: delay, status or both",
    ),
    "guard": (
        GOOD + "    writes: nevr\n",
        "10:13: error: clusters.orders.writes: 'nevr' is not one of allow, ask, never; did you mean 'never'?",
    ),
    "guard of an unknown environment": (
        GOOD + "writes: {prod: never}\n",
        "10:10: error: writes.prod: 'prod' is not one of dev, test, qa",
    ),
    "pointer": (
        GOOD + "    version: {path: /v, pointer: build}\n",
        "10:34: error: clusters.orders.version.pointer: 'build' is no JSON Pointer; write '/build'",
    ),
    "any origin": (
        GOOD + 'cors: {origins: ["*"]}\n',
        "10:18: error: cors.origins[0]: '*' would let every web site read the answers; list the origins",
    ),
    "origin": (
        GOOD + "cors: {origins: [http://a/]}\n",
        ("10:18: error: cors.origins[0]: 'http://a/' is no origin: scheme, host and port as a browser sends them, such as "
        "http://localhost:4200"),
    ),
    "JSONPath": (
        GOOD + 'redact: {json: ["$.a["]}\n',
        "10:17: error: redact.json[0]: '$.a[' is no JSONPath (RFC 9535): unexpected end of query",
    ),
    "JSONPath of a cluster": (
        GOOD.replace("  orders:\n", "  orders:\n    redact: {json: ['$.a[']}\n"),
        "5:21: error: clusters.orders.redact.json[0]: '$.a[' is no JSONPath (RFC 9535): unexpected end of query",
    ),
    "regular expressions in JSONPath": (
        GOOD + "redact: {json: [\"$[?match(@.a, '(a+)+b')]\"]}\n",
        ("10:17: error: redact.json[0]: '$[?match(@.a, '(a+)+b')]' uses match() or search(): a hostile body could make a "
        "regular expression run for hours"),
    ),
    "skip": (
        GOOD + "recording: {skip: [GET]}\n",
        "10:20: error: recording.skip[0]: 'GET' is no rule such as 'GET *.js', '* /health' or '/assets/*'",
    ),
    "size": (
        GOOD + "recording: {max_body: big}\n",
        "10:23: error: recording.max_body: 'big' is not a size such as 500kB, 1MiB or 2GiB",
    ),
    "include above": (
        GOOD + "include: [../x.yaml]\n",
        "10:11: error: include[0]: '../x.yaml' must lie below the folder of this file",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CASES.values(), ids=CASES)
def test_a_problem_has_its_place_and_words(text: str | bytes, expected: str) -> None:
    found = lines(text, own=("127.0.0.1", 8080))
    assert len(found) <= 2
    assert found[0].startswith(f"routes.yaml:{expected}")


def test_a_secret_never_stands_in_a_problem() -> None:
    text = with_upstream('headers: {X: "${KEY}"}').replace("https://qa", "https://me:${KEY}@qa")
    found = " ".join(lines(text, variables={"KEY": "s3cret\t"}))
    assert "the value of X has a line break" in found
    assert "'https://...@qa.example' has a space" in found
    assert "s3cret" not in found


@pytest.mark.parametrize(
    "word", ["on", "off", "yes", "No", "012", "1:30", "0x1F", "1_000", "1e3", ".inf", "2001-01-01", "+.5", "0o17"]
)
def test_what_yaml_readers_disagree_about_must_be_quoted(word: str) -> None:
    assert f'put it in quotes if it is text: "{word}"' in lines(changed("environment: qa", f"environment: {word}"))[0]
    text = GOOD.replace("qa", f'"{word}"')
    assert [line for line in lines(text) if "is no name" not in line] == []


@pytest.mark.parametrize("word", ["on", "012", "1:30", "7", "true", "~", "1.10"])
def test_a_name_that_is_no_text_must_be_quoted(word: str) -> None:
    assert any(f'"{word}"' in line for line in lines(changed("  orders:", f"  {word}:")))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${ENV}", "qa"),
        ("${ENV:-test}", "qa"),
        ("${NONE:-test}", "test"),
        ("${EMPTY:-test}", "test"),
        ("${NONE-test}", "test"),
        ("${EMPTY-qa}${ENV}", "qa"),
        ("q${A:?needed}", "qa"),
    ],
)
def test_variables_are_filled_in(text: str, expected: str) -> None:
    found = parsed(changed("environment: qa", f"environment: {text}"), variables={"ENV": "qa", "EMPTY": "", "A": "a"})
    assert found.config is not None, found.problems
    assert found.config.clusters["orders"].environment == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${NONE}", "the variable NONE is not set; set it, put it into .env, or write ${NONE:-default}"),
        ("${NONE:?say where}", "the variable NONE is not set: say where"),
        ("${EMPTY:?}", "the variable EMPTY is empty: it is needed here"),
        ("${1}", "'${' begins a variable such as ${NAME} or ${NAME:-default}; write '$${' for the text"),
        ("${", "'${' begins a variable such as ${NAME} or ${NAME:-default}; write '$${' for the text"),
    ],
)
def test_what_is_wrong_with_a_variable_is_said_in_its_place(text: str, expected: str) -> None:
    found = lines(changed("environment: qa", f'environment: "{text}"'), variables={"EMPTY": ""})
    assert found == [f"routes.yaml:6:18: error: clusters.orders.environment: {expected}"]


def test_two_dollars_are_one_and_a_lone_one_stays() -> None:
    found = parsed(with_upstream("headers: {A: '$${X}', B: $5, C: '$$'}"))
    assert found.config is not None
    assert found.config.clusters["orders"].upstreams["qa"].headers == {"A": "${X}", "B": "$5", "C": "$"}


def test_numbers_and_truth_may_come_from_variables() -> None:
    text = GOOD + "    strip: ${STRIP}\n    fault: {status: '${STATUS}', rate: '${RATE}', delay: '${DELAY}'}\n"
    found = parsed(text, variables={"STRIP": "false", "STATUS": "503", "RATE": "0.5", "DELAY": "2s"})
    assert found.config is not None, found.problems
    orders = found.config.clusters["orders"]
    assert orders.fault is not None
    assert (orders.strip, orders.fault.status, orders.fault.rate, orders.fault.delay) == (False, 503, 0.5, "2s")


def test_what_a_variable_says_cannot_become_yaml() -> None:
    found = parsed(changed("environment: qa", "environment: ${E}"), variables={"E": "qa\n    strip: false"})
    assert found.config is None


# -- anchors, aliases, bombs


def test_aliases_and_merges_are_understood() -> None:
    text = """\
version: 1
environments: [qa]
clusters:
  a: &a
    path: /a
    environment: qa
    upstreams: &up {qa: http://a.example}
    health: /health
  b:
    <<: *a
    path: /b
  c: {path: /c, environment: qa, upstreams: *up}
"""
    found = parsed(text)
    assert found.config is not None, found.problems
    assert [one.path for one in found.config.clusters.values()] == ["/a", "/b", "/c"]
    assert found.config.clusters["b"].health == "/health"


def bomb(levels: int) -> str:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, levels)]
    return "\n".join(rows)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (bomb(12), "its aliases stand for more than 100,000 values"),
        ("a: " + "[" * 500 + "]" * 500, "it is nested more than 40 levels deep"),
        ("a: " + "[" * 20_000, "it is nested more than 40 levels deep"),
        ("{a: " * 500, "it is nested more than 40 levels deep"),
        ("a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 100)), "nested more than 40 levels"),
        ("a: &a [*a]", "*a stands inside of what it repeats"),
        ("a: " + "x" * 100_000, "a value of more than 64 KiB"),
        ("? {a: b}\n: c", "a key must be text, not a mapping"),
        ("<<: text", "<< merges mappings only"),
        ("# " + "x" * (9 << 20), "it is larger than 8 MiB"),
    ],
    ids=[
        "aliases",
        "depth",
        "depth unclosed",
        "depth flow",
        "depth by alias",
        "self",
        "scalar",
        "key",
        "merge",
        "size",
    ],
)
def test_bombs_are_refused_at_once(text: str, expected: str) -> None:
    tracemalloc.start()
    found = lines(text)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert expected in found[0]
    assert peak < 50 << 20


def test_the_pure_parser_finds_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where PyYAML was built without its C part."""
    wanted = {name: [p.line for p in parsed(text).problems] for name, (text, _) in CASES.items()}
    monkeypatch.setattr(yaml_nodes, "Loader", yaml.SafeLoader)
    assert {name: [p.line for p in parsed(text).problems] for name, (text, _) in CASES.items()} == wanted
    assert "nested" in lines("a: " + "[" * 500)[0]


# -- includes


def including(files: dict[str, str]):
    def include(pattern: str) -> list[tuple[str, bytes]]:
        if pattern not in files and pattern != "teams/*.yaml":
            raise ValueError(f"there is no file '{pattern}'")
        return [(name, text.encode()) for name, text in sorted(files.items()) if pattern in (name, "teams/*.yaml")]

    return include


TEAM = "clusters:\n  pay:\n    path: /api/pay\n    environment: qa\n    upstreams: {qa: http://a.example}\n"


def test_included_clusters_stand_beside_the_others() -> None:
    found = parsed(GOOD + "include: [teams/*.yaml]\n", include=including({"teams/a.yaml": TEAM}))
    assert found.config is not None, found.problems
    assert list(found.config.clusters) == ["orders", "pay"]


def test_a_file_may_hold_nothing_but_includes() -> None:
    text = "version: 1\nenvironments: [qa]\ninclude: [teams/*.yaml]\n"
    assert lines(text, include=including({"teams/a.yaml": TEAM})) == []


def test_problems_name_the_included_file() -> None:
    files = {"teams/a.yaml": TEAM.replace("environment: qa", "environment: qaa"), "teams/b.yaml": "clusters: [\n"}
    found = lines(GOOD + "include: [teams/*.yaml]\n", include=including(files))
    assert found[0].startswith("teams/a.yaml:4:18: error: clusters.pay.environment: 'qaa' is not one of")
    assert found[1].startswith("teams/b.yaml:2:1: error: ")


def test_a_cluster_that_stands_in_two_files_names_both() -> None:
    files = {"teams/a.yaml": TEAM.replace("pay:", "orders:")}
    found = lines(GOOD + "include: [teams/*.yaml]\n", include=including(files))
    assert (
        "teams/a.yaml:2:3: error: clusters.orders: the cluster 'orders' stands twice: here and in routes.yaml:4"
        in found
    )


def test_a_path_that_stands_in_two_files_names_both() -> None:
    files = {"teams/a.yaml": TEAM.replace("/api/pay", "/api/orders")}
    found = lines(GOOD + "include: [teams/*.yaml]\n", include=including(files))
    expected = (
        "teams/a.yaml:3:11: error: clusters.pay.path: '/api/orders' is the path of orders already (routes.yaml:5)"
    )
    assert found == [expected]


def test_files_that_include_each_other_are_read_once() -> None:
    files = {"teams/a.yaml": TEAM + "include: [teams/*.yaml]\n"}
    assert lines(GOOD + "include: [teams/*.yaml]\n", include=including(files)) == []


def test_what_belongs_into_the_outer_file_is_refused_in_an_included_one() -> None:
    found = lines(GOOD + "include: [teams/*.yaml]\n", include=including({"teams/a.yaml": TEAM + "cors: {}\n"}))
    assert found[0].startswith("teams/a.yaml:6:1: error: cors: 'cors' belongs into the file that includes this one")


def test_a_missing_included_file_is_an_error() -> None:
    found = lines(GOOD + "include: [x.yaml]\n", include=including({}))
    assert found == ["routes.yaml:10:11: error: include[0]: there is no file 'x.yaml'"]


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=30)


@given(TEXTS, st.dictionaries(st.sampled_from(["a.yaml", "teams/b.yaml", "c"]), TEXTS, max_size=3))
@example("a\n", {"a.yaml": "\n", "c": ""})
def test_a_bundle_can_be_taken_apart(outer: str, included: dict[str, str]) -> None:
    raw, files = unbundle(bundle({"routes.yaml": outer, **included}))
    assert (raw.decode(), {name: text.decode() for name, text in files.items()}) == (outer, included)


def test_the_revision_follows_every_text() -> None:
    revisions = {
        parsed(GOOD).revision,
        parsed(GOOD + "# x\n").revision,
        parsed(GOOD + "include: [teams/*.yaml]\n", include=including({"teams/a.yaml": TEAM})).revision,
        parsed(GOOD + "include: [teams/*.yaml]\n", include=including({"teams/a.yaml": TEAM + "# x\n"})).revision,
    }
    assert len(revisions) == 4


@given(st.binary(max_size=200))
def test_any_bytes_give_a_config_or_a_problem(raw: bytes) -> None:
    found = parse(raw)
    assert found.problems
    assert all(problem.line >= 1 and problem.column >= 1 for problem in found.problems)


@given(st.data())
def test_any_damage_gives_a_config_or_a_problem(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(GOOD)))
    end = data.draw(st.integers(at, min(len(GOOD), at + 20)))
    piece = data.draw(
        st.sampled_from(["", "\t", "{", "]", ": ", "&a ", "*a", "!!x ", "- ", "'", "\n", "#", "|", "%", "? "])
    )
    found = parsed(GOOD[:at] + piece + GOOD[end:])
    assert (found.config is None) == bool(found.problems)


def test_ten_thousand_clusters_are_read() -> None:
    text = "version: 1\nenvironments: [qa]\nclusters:\n" + "".join(
        f"  c{i}: {{path: /api/c{i}, environment: qa, upstreams: {{qa: 'http://127.0.0.1:9{i % 1000:03}'}}}}\n"
        for i in range(10_000)
    )
    begun = time.perf_counter()
    found = parsed(text)
    assert found.config is not None
    assert len(found.config.clusters) == 10_000
    print(f"{time.perf_counter() - begun:.2f} s")


def test_anchors_stand_where_people_put_them() -> None:
    text = """x-up: &up {url: "http://127.0.0.1:9"}
x-both: &both {environment: dev}
version: 1
environments: [dev]
clusters:
  z: &z {path: /z, environment: dev, upstreams: {dev: *up}}
  a:
    <<: [*both, *z]
    path: /a
  b:
    <<:
      - *z
    path: /b
"""
    parsed = parse(text.encode())
    assert parsed.problems == ()
    assert parsed.config is not None
    assert {name: one.path for name, one in parsed.config.clusters.items()} == {"z": "/z", "a": "/a", "b": "/b"}


@pytest.mark.parametrize("merged", ["1", "[1]", "[*z, 1]", "[[*z]]"])
def test_only_mappings_are_merged(merged: str) -> None:
    text = "version: 1\nenvironments: [dev]\nclusters:\n  z: &z {path: /z, environment: dev, upstreams: {dev: http://127.0.0.1:9}}\n"
    parsed = parse((text + f"  a:\n    <<: {merged}\n    path: /a\n").encode())
    assert any("<< merges mappings only" in one.message for one in parsed.problems), parsed.problems


@pytest.mark.parametrize("name", ["{a}", "${A:?x}", "{0.real}", "{}", "{", "a{b", "%s", "%(a)s"])
@pytest.mark.parametrize(
    "wrong",
    [
        "redact: {json: ['$[']}",
        "redact: {headers: ['a b']}",
        "failed_when: ['json ===']",
        "contract: {ignore: ['x y z']}",
    ],
)
def test_a_name_that_looks_like_a_format_is_told_as_it_is(name: str, wrong: str) -> None:
    """Found by make fuzz: the path of a problem was a format string, and a cluster's name a part of it."""
    text = f"version: 1\nenvironments: [qa]\nclusters:\n  {json.dumps(name)}:\n    path: /api/x\n    environment: qa\n    {wrong}\n"
    found = parse(text.encode())
    assert found.config is None
    assert any(f"clusters.{name}" in problem.path for problem in found.problems)
