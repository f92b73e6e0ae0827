"""Fields and files as multipart/form-data, read back by a reader that is not ours.

Covers: model/multipart.
"""

from email.parser import BytesParser
from email.policy import HTTP

from hypothesis import given
from hypothesis import strategies as st

from gateway.demos.definition.schema import Upload
from gateway.demos.multipart import multipart


def read(body, content_type):
    message = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
    return [(part.get_param("name", header="content-disposition"), part) for part in message.iter_parts()]


def test_fields_and_files_arrive_as_they_are():
    body, content_type = multipart([("note", "café"), ("cover", Upload('a "b".png', "image/png", b"\x89PNG\r\n\x00"))])
    (note, text), (cover, file) = read(body, content_type)
    assert (note, text.get_payload(decode=True).decode()) == ("note", "café")
    assert (cover, file.get_content_type(), file.get_filename()) == ("cover", "image/png", "a %22b%22.png")
    assert b"\x89PNG\r\n\x00" in body


@given(st.binary(max_size=200))
def test_the_boundary_stands_in_no_part(data):
    body, content_type = multipart([("a", Upload("f", "x/y", data)), ("b", "text")])
    boundary = content_type.partition("boundary=")[2].encode()
    assert body.count(b"--" + boundary) == 3
    assert b"\r\n\r\n" + data + b"\r\n--" + boundary in body


def test_a_boundary_that_is_in_a_file_is_not_used():
    _, first = multipart([("a", Upload("f", "x/y", b"1"))])
    body, _ = multipart([("a", "x")])
    assert multipart([("a", "x")]) == multipart([("a", "x")])
    assert first.partition("=")[2] not in body.decode()
