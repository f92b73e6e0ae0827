"""Certificate files that are renewed in place are in force without a restart."""

import asyncio
import shutil
import ssl
import subprocess

from peers import field_of, raw_client, raw_upstream, status_of
from relaying import orders_at
from serving import serving

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
GET = b"GET /api/orders/1 HTTP/1.1\r\nHost: localhost\r\n\r\n"


def certificate(folder, name):
    words = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
    ]
    words += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", f"{name}.key", "-out"]
    subprocess.run([*words, f"{name}.pem"], cwd=folder, check=True, capture_output=True)


async def ask(gateway):
    async with raw_client(gateway.url) as client:
        await client.send(GET)
        return await client.response()


async def test_a_renewed_list_of_authorities_counts_at_once_and_history_tells(tmp_path):
    for name in ("before", "after"):
        certificate(tmp_path, name)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tmp_path / "after.pem", tmp_path / "after.key")
    shutil.copy(tmp_path / "before.pem", tmp_path / "ca.pem")
    async with raw_upstream(OK, ssl=server) as upstream:
        url = upstream.url.replace("127.0.0.1", "localhost")
        async with serving(tmp_path, orders_at(url, f"        tls: {{ca: {tmp_path}/ca.pem}}")) as gateway:
            head, _ = await ask(gateway)
            assert (status_of(head), field_of(head, b"Proxy-Status")[:36]) == (
                502,
                b"gateway; error=tls_certificate_error",
            )
            shutil.copy(tmp_path / "after.pem", tmp_path / "ca.pem")
            async with asyncio.timeout(10):
                while status_of((await ask(gateway))[0]) != 200:
                    await asyncio.sleep(0.05)
            newest = gateway.services.store.revisions(limit=1)[0]
    assert newest.changes == ("orders: upstream qa tls changed",)
