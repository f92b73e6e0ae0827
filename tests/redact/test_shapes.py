"""Tokens that tell by their shape what they are, wherever they stand; and texts that only look alike."""

import base64
import itertools
import json
import random
import re
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from gateway.keys import Keys
from gateway.model.capture import Capture
from gateway.redact import Sealer
from gateway.redact.shapes import MARKED, SHAPES, seal_shapes, tokens

KEYS = Keys.of([Fernet.generate_key().decode()])
SEALER, NUMBERS = Sealer(KEYS), itertools.count()  # each recording its own: tokens of a recording are known in it
FILE = Path(__file__).parent.parent / "data" / "secrets" / "tokens.tsv"
ALPHABETS = {
    "d": "0123456789", "h": "0123456789abcdef", "l": "0123456789abcdefghijklmnopqrstuvwxyz",
    "H": "234567ABCDEFGHIJKLMNOPQRSTUVWXYZ",
}  # fmt: skip
ALPHABETS["w"] = ALPHABETS["l"] + ALPHABETS["l"][10:].upper()
ALPHABETS["u"] = ALPHABETS["w"] + "_-"
ALPHABETS["b"] = ALPHABETS["w"] + "+/"


def filled(template: str) -> str:
    """A synthetic token: the same one for the same template."""
    chance = random.Random(template)

    def some(match: re.Match[str]) -> str:
        letters = ALPHABETS[match[1]]
        return "".join(chance.choice(letters) for _ in range(int(match[2]) - 1)) + chance.choice(letters[:16])

    return re.sub(r"<([dhlHwub])(\d+)>", some, template)


ROWS = [line.split("\t") for line in FILE.read_text().splitlines() if not line.startswith("#")]
TOKENS = {maker: filled(template) for maker, template, _ in ROWS}
PLACES = {
    "JSON": lambda token: (b"application/json", json.dumps({"note": token, "n": 1}).encode()),
    "JSON in JSON": lambda token: (b"application/json", json.dumps({"log": json.dumps({"note": token})}).encode()),
    "a list": lambda token: (b"application/json", json.dumps(["a", token]).encode()),
    "a sentence": lambda token: (b"text/plain", f"use {token}, it is good".encode()),
    "YAML": lambda token: (b"application/yaml", f"- name: x\n  env: {token}\n".encode()),
    "HTML": lambda token: (b"text/html", f'<p data-x="{token}">hello</p>'.encode()),
    "HTML text": lambda token: (b"text/html", f"<p>{token}</p>".encode()),
    "script": lambda token: (b"application/javascript", f"client('{token}')".encode()),
    "XML": lambda token: (b"text/xml", f"<a><b>{token}</b></a>".encode()),
    "a line of CSV": lambda token: (b"text/csv", f"id,note\n1,{token}\n".encode()),
    "an event": lambda token: (b"text/event-stream", f"data: {token}\n\n".encode()),
    "a part": lambda token: (b"multipart/form-data; boundary=B",
        f'--B\r\nContent-Disposition: form-data; name="n"\r\n\r\n{token}\r\n--B--'.encode()),
}  # fmt: skip


def sealed_bytes(content_type: bytes, body: bytes, **facts: object) -> bytes:
    capture = Capture()
    capture.id, capture.recording, capture.method, capture.target = "01X", f"R{next(NUMBERS)}", b"POST", b"/api/x"
    capture.request_headers, capture.request_body = [(b"Content-Type", content_type)], [body]
    for name, value in facts.items():
        setattr(capture, name, value)
    found = SEALER.seal(capture).capture
    heads = b"\n".join(b": ".join(pair) for pair in [*found.request_headers, *found.response_headers])
    return b"\n".join([found.target, found.upstream_url.encode(), heads, *found.request_body])


@pytest.mark.parametrize("maker", TOKENS)
def test_a_token_is_found_whole(maker: str):
    token = TOKENS[maker].encode()
    data = b"a " + token + b" b"
    ((start, end),) = tokens(data)
    assert data[start:end] in token
    assert len(token) - (end - start) <= len(b"https://"), (data[start:end], token)


@pytest.mark.parametrize("place", PLACES)
def test_tokens_are_sealed_wherever_they_stand(place: str):
    turn = list(PLACES).index(place)
    for at, (maker, token) in enumerate(TOKENS.items()):
        if (at + turn) % 2 == 0 or not token.replace(
            "_", ""
        ).isalnum():  # plain ones in every other place: it takes long
            assert token.encode() not in sealed_bytes(*PLACES[place](token)), maker


def test_tokens_are_sealed_in_paths_queries_and_headers():
    for maker, token in TOKENS.items():
        if "/" in token or "$" in token:
            continue
        raw = token.encode()
        found = sealed_bytes(
            b"text/plain", b"x", target=b"/bot/" + raw + b"/send?x=" + raw,
            response_headers=[(b"X-Note", raw), (b"Location", b"https://h.example/cb#x=" + raw)],
        )  # fmt: skip
        assert raw not in found, maker


@pytest.mark.parametrize(
    "text",
    [
        "sk-loading-spinner-container-wrapper", "sk-fading-circle-before-after-animation", "npm_config_registry", "xoxo",
        "hf_hub_download", "pypi-publish-to-the-package-index-action", "glpat-", "SG.md", "AKIRA", "key-value-store",
        "8a6e0804-2bd0-4672-b79d-d97027f9071a", "da39a3ee5e6b4b0d3255bfef95601890afd80709", "github_pat_example",
        "https://hooks.example/services/T000/B000", "ya29.", "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAAB",
        "EAAccess", "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "rk_test_", "AIza", "figure_of_eight_and_more",
        "session_secret_name_of_the_application", "lin_api_reference", "pnb_statement", "SKU123456", "1796041800:AAB",
        "test_that_the_second_2_orders_are_paid_in_time", "test_userCanSignInWithAPasswordOnly", "live_preview", "access_control_allow_origin",
        "sandbox_environment_of_the_payment_service", "API-GATEWAYCONFIGURATIONSERVICE", "pa-class-names-of-a-design-system-that-are-long",
        "as-thewindowsubsystemfors", "bk_background_image_of_the_landing_page_v2", "cal_event", "00000000-0000-0000-0000-000000000000",
        "001122334455667788990011223344556677889900", "pat-your-dog", "perm:read.write", "token-ring:network", "oauth:callback", "vck_short",
        "0b351475-2a85-ffa7-c4b4-602207a34848", "sha256~", "pk_users", "fc-header", "sketchbook", "AzFunctions are APIM", "t1.micro.amd64",
    ],
)  # fmt: skip
def test_what_only_looks_alike_stays(text: str):
    data = f'{{"note": "{text}"}}'.encode()
    assert seal_shapes(data, lambda secret: b"sealed") == data


@pytest.mark.parametrize("around", [b"", b"x" * 500 + b" ", b"AzFu APIM " * 40, b"APIM" * 30 + b" "])
def test_a_key_that_is_told_by_its_middle_is_found_among_others(around: bytes):
    one, two = (TOKENS[maker].encode() for maker in ("Azure Functions", "Azure API Management"))
    data = around + one + b" " + two + b"\n" + TOKENS["npm"].encode() + b" " + around + one
    assert [data[start:end] for start, end in tokens(data)] == [one, two, TOKENS["npm"].encode(), one]


def test_every_maker_of_the_table_is_sampled_and_documented():
    shapes = [*SHAPES, *MARKED]
    sampled = [maker for maker, expression in shapes if any(re.search(expression, token) for token in TOKENS.values())]
    assert len(sampled) >= 140
    assert all(len(row) == 3 and row[2] for row in ROWS)


SIGNED = {
    "S3": "https://b.s3.amazonaws.com/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=EXAMPLE%2F20261130%2Feu%2Fs3"
    "%2Faws4_request&X-Amz-Date=20261130T000000Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host&X-Amz-Signature=S",
    "S3 version 2": "https://b.s3.amazonaws.com/k?AWSAccessKeyId=EXAMPLE&Expires=1796041800&Signature=S",
    "GCS": "https://storage.googleapis.com/b/k?X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Signature=S",
    "GCS version 2": "https://storage.googleapis.com/b/k?GoogleAccessId=a%40b&Expires=1796041800&Signature=S",
    "Azure": "https://a.blob.core.windows.net/c/k?sv=2024-11-04&sr=b&sig=S&se=2026-12-01T00%3A00%3A00Z&sp=r",
    "CloudFront": "https://d1.cloudfront.net/k?Expires=1796041800&Signature=S&Key-Pair-Id=K2JCJMDEHXQW5F",
    "Alibaba OSS": "https://b.oss-cn-hangzhou.aliyuncs.com/k?OSSAccessKeyId=id&Expires=1796041800&Signature=S",
    "Alibaba OSS version 4": "https://b.oss-cn-hangzhou.aliyuncs.com/k?x-oss-date=20261130T000000Z&x-oss-signature=S",
    "Alibaba CDN": "https://cdn.example/k?auth_key=1796041800-0-0-S",
    "Tencent COS": "https://b.cos.ap-guangzhou.myqcloud.com/k?q-sign-algorithm=sha1&q-ak=id&q-signature=S",
    "Huawei OBS": "https://b.obs.example.com/k?AccessKeyId=id&Expires=1796041800&Signature=S",
    "Volcengine TOS": "https://b.tos.example.com/k?X-Tos-Algorithm=TOS4-HMAC-SHA256&X-Tos-Signature=S",
    "Baidu BOS": "https://b.bos.example.com/k?authorization=bce-auth-v1%2Fid%2F2026%2F300%2Fhost&x=1&authorization=S",
    "Backblaze": "https://f000.backblazeb2.com/file/b/k?Authorization=S",
    "Akamai": "https://media.example/k?hdnts=exp=1796041800~acl=/*~hmac=S",
    "Firebase": "https://firebasestorage.googleapis.com/v0/b/x/o/k?alt=media&token=S",
    "GitHub attachment": "https://private-user-images.example/1.png?jwt=S",
    "Discord": "https://cdn.discordapp.com/attachments/1/2/k.png?ex=66&is=65&hm=S&",
    "Dropbox": "https://www.dropbox.com/scl/fi/x/k.pdf?rlkey=S&dl=0",
    "Bunny": "https://x.b-cdn.net/k?token=S&expires=1796041800",
    "a signed URL of an image service": "https://img.example/k.png?w=1&signature=S",
}
SIGNATURE = "c4NaQx7ZtP3mK9wLr5Vba8Yd2Fh6"


@pytest.mark.parametrize("provider", SIGNED)
def test_the_signature_of_a_presigned_url_is_sealed_in_every_place(provider: str):
    url = re.sub(r"\bS(?=&|$)", SIGNATURE, SIGNED[provider])
    assert SIGNATURE in url
    path = "/" + url.split("/", 3)[3]
    bodies = [
        (b"application/json", json.dumps({"url": url}).encode()),
        (b"application/json", json.dumps({"url": url}).replace("/", "\\/").replace("&", "\\u0026").encode()),
        (b"text/html", f'<a href="{url.replace("&", "&amp;")}">x</a>'.encode()),
        (b"text/plain", f"see {url} now".encode()),
        (b"text/xml", f"<Url>{url.replace('&', '&amp;')}</Url>".encode()),
    ]
    for kind, body in bodies:
        found = sealed_bytes(kind, body, target=path.encode(), response_headers=[(b"Location", url.encode())])
        assert SIGNATURE.encode() not in found, found


@pytest.mark.parametrize(
    "body",
    [
        "grant_type=authorization_code&code=S&redirect_uri=x", "grant_type=x&code=abc123&code_verifier=S",
        "grant_type=urn:ietf:params:oauth:grant-type:device_code&device_code=S&client_id=a",
        "grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer&assertion=S", "client_assertion_type=x&client_assertion=S",
        "SAMLResponse=S&RelayState=x", "oauth_verifier=S", "recovery_code=S", "backup_code=S",
        "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=S;EndpointSuffix=core.windows.net",
        "Endpoint=sb://a.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey=S",
        "Server=db;User Id=sa;Password=S;Encrypt=true", "Data Source=x;Pwd=S;", "postgresql://ann:S@db:5432/x",
        "password: |\n  S\n", "db:\n  password: >-\n    S\n  port: 1\n", "credentials:\n  - S\n", "secret:\n    key: S\n",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nS\n-----END OPENSSH PRIVATE KEY-----\n",
        '{"Name": "password", "Value": "S"}', '{"KEY": "apiToken", "VALUE": "S"}', '{"name": "DB_PASS", "value": "S"}',
        '{"recoveryCodes": ["S", "T"]}', '{"grant_type": "authorization_code", "code": "S"}', '{"deviceCode": "S"}',
        'data: {"password":\ndata: "S"}\n\n', 'event: x\ndata: {"a": 1,\ndata: "token": "S"}\n\n',
    ],
)  # fmt: skip
def test_other_places_of_the_documentation(body: str):
    secret = SIGNATURE
    assert secret.encode() not in sealed_bytes(b"", re.sub(r"\bS\b", secret, body).encode())


@pytest.mark.parametrize(
    "value",
    [
        "base64url.bearer.authorization.k8s.io.S, base64.binary.k8s.io", "access_token, S", "graphql-ws, S", "Bearer, S",
        "realtime, openai-insecure-api-key.S, openai-beta.realtime-v1", "jwt.S",
    ],
)  # fmt: skip
def test_tokens_among_subprotocols(value: str):
    given = value.replace("S", SIGNATURE, 1) if value.startswith(("base64", "access", "graphql")) else value
    given = re.sub(r"\bS\b", SIGNATURE, given)
    found = sealed_bytes(b"text/plain", b"x", request_headers=[(b"Sec-WebSocket-Protocol", given.encode())])
    assert SIGNATURE.encode() not in found
    assert b"graphql-ws" in found or not value.startswith("graphql")


@pytest.mark.parametrize("value", ["graphql-transport-ws", "mqtt, stomp.v12", "v12.stomp, v11.stomp", "chat"])
def test_subprotocols_without_tokens_stay(value: str):
    assert value.encode() in sealed_bytes(
        b"text/plain", b"x", request_headers=[(b"Sec-WebSocket-Protocol", value.encode())]
    )


@pytest.mark.parametrize("password", ["Winter2026!", "hunter2", "p&ss<w>'x1", "naïve-Käse9", "a b c d 7", "swordfish"])
@pytest.mark.parametrize(
    "answer",
    ["bad value %s", '{"error": "bad value %s"}', "<p>bad value &quot;%s&quot;</p>", "/login?error=bad+value+%s"],
)
def test_a_password_that_the_response_repeats(password: str, answer: str):
    import html
    from urllib.parse import quote, quote_plus

    spell = (json.dumps(password)[1:-1] if "{" in answer else html.escape(password) if "<" in answer
        else quote_plus(password) if "?" in answer else password)  # fmt: skip
    capture = Capture()
    capture.id, capture.recording, capture.target = "01X", "R1", b"/login"
    capture.request_headers = [(b"Content-Type", b"application/x-www-form-urlencoded")]
    capture.request_body = [f"user=ann&password={quote(password)}".encode()]
    capture.response_headers = [(b"Location", (answer % spell).encode()), (b"Content-Type", b"text/plain")]
    capture.response_body = [(answer % spell).encode()]
    found = Sealer(KEYS).seal(capture).capture
    assert spell.encode() not in b"".join(found.response_body)
    assert spell.encode() not in found.response_headers[0][1]
    assert b"bad" in b"".join(found.response_body)


def test_a_password_of_basic_authentication_that_the_response_repeats():
    capture = Capture()
    capture.id, capture.recording = "01X", "R1"
    capture.request_headers = [(b"Authorization", b"Basic " + base64.b64encode(b"ann:Winter2026!"))]
    capture.response_body = [b"no such password: Winter2026!, ann; xWinter2026! stays"]
    (body,) = Sealer(KEYS).seal(capture).capture.response_body
    assert body.startswith(b"no such password: sealed_")
    assert body.endswith(b"xWinter2026! stays")


@pytest.mark.parametrize("password", ["a", "1234", "password", "12345678", "true", "admin"])
def test_an_everyday_word_or_a_number_does_not_spread(password: str):
    capture = Capture()
    capture.id, capture.recording = "01X", "R1"
    capture.request_body = [json.dumps({"password": password}).encode()]
    capture.response_body = [b'{"password_policy": "a password, 1234 12345678 true admin"}']
    assert Sealer(KEYS).seal(capture).capture.response_body == capture.response_body


def test_the_userinfo_of_an_imported_url_is_sealed():
    assert b"s3cr3tpw" not in sealed_bytes(b"", b"", target=b"http://ann:s3cr3tpw@h.example/a")
    capture = Capture()
    capture.id, capture.recording, capture.target, capture.origin = "1", "R", b"/a", b"https://ann:s3cr3tpw@h.example"
    assert Sealer(KEYS).seal(capture).capture.origin.endswith(b"@h.example")
    assert b"s3cr3tpw" not in Sealer(KEYS).seal(capture).capture.origin
