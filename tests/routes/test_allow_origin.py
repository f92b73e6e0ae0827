"""One line of routes.yaml allows an origin, however the file is written; every other byte stays."""

import pytest

from gateway.errors import ConfigError
from gateway.routes.edit import allow_origin

ORIGIN = "http://localhost:4200"
HEAD = "version: 1\nenvironments: [dev]\nclusters:\n  a: {path: /a, environment: dev, upstreams: {dev: http://127.0.0.1:9}}\n"


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        (HEAD, HEAD + f'cors: {{origins: ["{ORIGIN}"]}}\n', 5),
        (HEAD.rstrip(), HEAD + f'cors: {{origins: ["{ORIGIN}"]}}\n', 5),
        (HEAD + "...\n", HEAD + f'cors: {{origins: ["{ORIGIN}"]}}\n...\n', 5),
        (
            "cors: {origins: [http://a]}  # ours\n" + HEAD,
            f'cors: {{origins: [http://a, "{ORIGIN}"]}}  # ours\n' + HEAD,
            1,
        ),
        ("cors: {origins: []}\n" + HEAD, f'cors: {{origins: ["{ORIGIN}"]}}\n' + HEAD, 1),
        ("cors: {credentials: true}\n" + HEAD, f'cors: {{origins: ["{ORIGIN}"], credentials: true}}\n' + HEAD, 1),
        ("cors:\n  credentials: true\n" + HEAD, f'cors:\n  origins: ["{ORIGIN}"]\n  credentials: true\n' + HEAD, 2),
        (
            "cors:\n  origins:\n    - http://a  # Ann\n    - http://b\n" + HEAD,
            f'cors:\n  origins:\n    - http://a  # Ann\n    - http://b\n    - "{ORIGIN}"\n' + HEAD,
            5,
        ),
        (HEAD + "cors:\n  origins:\n  - http://a", HEAD + f'cors:\n  origins:\n  - http://a\n  - "{ORIGIN}"', 8),
        (HEAD.replace("\n", "\r\n"), HEAD.replace("\n", "\r\n") + f'cors: {{origins: ["{ORIGIN}"]}}\r\n', 5),
        ("\ufeff" + HEAD, "\ufeff" + HEAD + f'cors: {{origins: ["{ORIGIN}"]}}\n', 5),
    ],
)
def test_one_line_says_it(before, after, line):
    changed, found = allow_origin(before.encode(), ORIGIN)
    assert changed.decode() == after.rstrip("\n") + ("\n" if changed.endswith(b"\n") else "")
    assert found == line


@pytest.mark.parametrize(
    "cors", ["cors: &c {origins: [http://a]}\n", "cors: 1\n", "cors: {origins: http://a}\n", "cors:\n"]
)
def test_what_cannot_be_added_to_stays_and_says_why(cors):
    with pytest.raises(ConfigError):
        allow_origin((cors + HEAD).encode(), ORIGIN)
