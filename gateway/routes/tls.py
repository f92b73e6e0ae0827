"""The TLS context with which an upstream is met: its own authorities, client certificate, verification. I/O."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from ..errors import GatewayError

if TYPE_CHECKING:
    from .table import Tls


def client_context(tls: Tls) -> ssl.SSLContext:
    """Reads the certificate files; GatewayError names the one that cannot be used."""
    context = _trusting(tls.ca)
    context.set_alpn_protocols(["http/1.1"])
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if tls.cert is not None:
        try:
            context.load_cert_chain(tls.cert, tls.key, password=_no_password)
        except (OSError, ssl.SSLError, ValueError) as error:
            where = tls.cert if tls.key is None else f"{tls.cert}, {tls.key}"
            raise _unusable(where, "client certificate", error) from None
    return context


def _trusting(ca: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca)
    except (OSError, ssl.SSLError) as error:
        raise _unusable(str(ca), "list of authorities", error) from None


def _no_password() -> str:
    raise ValueError("the key is encrypted; a server cannot ask for its password")


def _unusable(where: str, what: str, error: Exception) -> GatewayError:
    reason = (error.reason if isinstance(error, ssl.SSLError) else getattr(error, "strerror", None)) or str(error)
    hint = f"tls in routes.yaml names it as the {what}; it must be a PEM file that the gateway may read"
    return GatewayError(f"cannot be used: {reason}", where=where, hint=hint)
