"""Secrets in HTML and XML."""

import pytest

from gateway.redact.markup import seal_markup
from gateway.redact.names import SecretNames

IS_SECRET = SecretNames().is_secret


def stars(secret: bytes) -> bytes:
    return b"*" * len(secret)


@pytest.mark.parametrize(
    "text",
    [
        b"<Password type='t'>s3cret</Password>",
        b"<w:Password>s3cret</w:Password>",
        b"<password><![CDATA[s3cret]]></password>",
        b"<password><!-- no --> s3cret </password>",
        b"<secret><value>s3cret</value></secret>",
        b"<credentials>\n  <id>s3cret</id>\n  <key>s3cret</key>\n</credentials>",
        b'<add key="password" value="s3cret"/>',
        b"<property name='db.password'>s3cret</property>",
        b'<property name="password" value="s3cret" />',
        b'<textarea name="password" rows="2">s3cret</textarea>',
        b'<input type="password" name="pw" value="s3cret">',
        b'<INPUT VALUE="s3cret" TYPE=password>',
        b"<meta content='s3cret' name=csrf-token>",
        b'<input name="_csrf" value="s3cret">',
        b"<dict><key>password</key><string>s3cret</string></dict>",
        b"<member><name>password</name><value><string>s3cret</string></value></member>",
        b'<div data-x="{&quot;token&quot;:&quot;s3cret&quot;}">',
    ],
)
def test_a_value_with_the_name_of_a_secret_is_sealed(text: bytes):
    assert seal_markup(text, IS_SECRET, stars) == text.replace(b"s3cret", b"******").replace(b" no ", b" no ")


@pytest.mark.parametrize(
    "text",
    [
        b'<form name="password"><label>Your name</label></form>', b"<password/><a>x</a>", b"<password></password>",
        b'<input name="user" value="bob">', b'<a href="/password">forgotten?</a>', b"<password>never closed",
        b"a < b and password > c", b'name="password" value="x"',
    ],
)  # fmt: skip
def test_what_has_no_secret_stays(text: bytes):
    assert seal_markup(text, IS_SECRET, stars) == text
