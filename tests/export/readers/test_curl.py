"""curl commands in scripts: what is found, what is named, and that no text makes the reader fail in another way.

Covers: export/readers/imported_recording.
"""

from __future__ import annotations

import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import UsageError
from gateway.export.readers.curl import found_commands, load
from gateway.export.readers.import_file import no_files, read
from gateway.export.readers.imported_recording import nowhere

FOUND = [
    ("```bash\ncurl http://h/x\n```\n", [["http://h/x"]]),
    ("$ curl http://h/x\n% curl http://h/y\nann@box:~$ curl http://h/z", [["http://h/x"], ["http://h/y"], ["http://h/z"]]),
    ("sudo -E /usr/bin/curl http://h/x", [["http://h/x"]]),
    ("timeout 5 curl http://h/x", [["http://h/x"]]),
    ("A=1 B='two' curl http://h/x", [["http://h/x"]]),
    ("while true; do curl http://h/x; sleep 1; done", [["http://h/x"]]),
    ("if curl http://h/1; then curl http://h/2; elif true; then curl http://h/3; else curl http://h/4; fi",
     [["http://h/1"], ["http://h/2"], ["http://h/3"], ["http://h/4"]]),
    ("case $1 in\n a|b) curl http://h/a ;;\n *) curl http://h/b;;\nesac", [["http://h/a"], ["http://h/b"]]),
    ("x=`curl http://h/tick`; y=\"$(curl \"http://h/$(echo in)\")\"", [["http://h/tick"], ["http://h/in"]]),
    ("cat <(curl http://h/x) | jq .", [["http://h/x"]]),
    ("f() { curl http://h/$1; }\nf a\nf b", [["http://h/a"], ["http://h/b"]]),
    ("f() { curl http://h/never; }\n", [["http://h/never"]]),
    ("L='a b'; for i in $L; do curl http://h/$i; done", [["http://h/a"], ["http://h/b"]]),
    ("for i in $(seq 3); do curl http://h/$i; done", [["http://h/$i"]]),
    ("for ((i=0; i<3; i++)); do curl http://h/$i; done", [["http://h/$i"]]),
    ("curl 'http://h/x' 2>&1 | tee log >/dev/null", [["http://h/x"]]),
    ("curl http://h/a & curl http://h/b & wait", [["http://h/a"], ["http://h/b"]]),
    ("curl http://h/x -d \"a\\\nb\"", [["http://h/x", "-d", "ab"]]),
    ("curl http://h/x -H \"X: ${KEY:-none}\"", [["http://h/x", "-H", "X: none"]]),
    ("docker run x && curl http://h/x", [["http://h/x"]]),
    ("cat > body.json <<EOF\ncurl http://h/in-a-document\nEOF\ncurl http://h/x", [["http://h/x"]]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "words"), FOUND, ids=range(len(FOUND)))
def test_commands_are_found(text, words):
    assert [list(one.words) for one in found_commands(text)[0]] == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("xargs curl < urls; curl http://h/x", "a curl command: it is given to xargs"),
        ("docker exec box curl http://h/y; curl http://h/x", "it is given to docker"),
        ("for i in $(ls); do curl http://h/$i; done", "a loop over $i: only a running shell knows its words"),
        ("f() { curl http://h/y; }; curl http://h/x", "1 curl command of function f: nothing in the text calls it"),
        ("curl http://h/$ID", "the value of $ID: the text does not say it"),
        ("curl ftp://h/file http://h/x", "the transfer of ftp://h/file: only http and https are imported"),
        ("curl -n http://h/x", "--netrc: the user and the password stand in .netrc"),
        ("curl --ntlm -u a:b http://h/x", "--ntlm: NTLM authentication responds to a challenge"),
        ("curl --aws-sigv4 aws:amz -u a:b http://h/x", "--aws-sigv4: an AWS signature holds the time"),
        ("curl -c jar http://h/login; curl -b jar http://h/x", "the cookies of the file jar: curl fills it"),
        ("curl -C - http://h/x", "--continue-at -: where to go on depends on a file"),
    ],
)
def test_what_is_not_taken_is_said(text, words):
    (_,), omissions = load(text, nowhere, no_files)
    assert words in "\n".join(map(str, omissions))


def test_a_variable_without_a_value_is_no_second_url():
    (one,), omissions = load("curl $OPTIONS http://h/x ${MORE[@]}", nowhere, no_files)
    assert [step.url for step in one.exchanges] == ["http://h/x"]
    assert "the value of $OPTIONS" in "\n".join(map(str, omissions))


def test_variables_of_curl_itself():
    text = r"""curl --variable name=ann --variable 'q=a b' --expand-url 'http://h/{{name}}?q={{q:url}}' --expand-data '{{q:b64}}'"""
    (one,), _ = load(text, nowhere, no_files)
    assert (one.exchanges[0].url, one.exchanges[0].request.body.data) == ("http://h/ann?q=a%20b", b"YSBi")


def test_one_command_is_refused_and_the_place_is_named():
    with pytest.raises(UsageError) as caught:
        read(b"curl http://h/x\n\ncurl --nope http://h/y\n")
    assert caught.value.where == "line 3"


@given(st.text(alphabet="curl http://h{}[]()$`'\"\\\n;|&<>#-dXF@=^ %a1!*", max_size=200))
def test_no_text_makes_the_reader_fail_in_another_way(noise):
    for text in (noise, f"curl http://h/x {noise}", f"x=$(curl {noise})", f'curl ^"{noise}^"', f"irm {noise}"):
        with suppress(UsageError):
            imported, _ = load(text, nowhere, no_files)
            for one in (exchange for each in imported for exchange in each.exchanges):
                assert "://" in one.url and one.request.method, "what is read can be sent"
                assert one.request.body.size == len(one.request.body.data)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5000 + "curl http://h/x", "$(" * 5000, "curl http://h/x " + "{a,b}" * 40, "curl 'http://h/" + "[1-9]" * 12 + "'",
        "f() { f; }\nf\ncurl http://h/x", "f() { g; g; }\ng() { f; f; }\nf\ncurl http://h/x",
        "for i in {1..999999}; do for j in {1..999999}; do curl http://h/x; done; done",
        "curl http://h/x " + "\\\n" * 100_000, "if " * 3000, "'" * 10_001, "${a:-" * 2000 + "}" * 2000,
        "curl http://h/x -d '" + "a" * 3_000_000 + "'", "curl http://h/x\n" * 15_000,
        "f0() { curl http://h/x; }\n" + "".join(f"f{i}() {{ f{i - 1}; f{i - 1}; }}\n" for i in range(1, 19)) + "f18",
    ],
    ids=range(14),
)  # fmt: skip
def test_hostile_texts_end_soon(text):
    began = time.process_time()
    with suppress(UsageError):
        load(text, nowhere, no_files)
    assert time.process_time() - began < 20  # seconds: a wall, far above what a slow machine needs
