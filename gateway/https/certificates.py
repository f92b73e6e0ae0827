"""The certificates that the TLS port shows: read, chosen by server name, read again when their files change. I/O.

Connections under way keep what they began with; new handshakes get the new files. Files that cannot be used never
replace those that are in force.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from ..errors import ConfigError, Problem
from .authority import first_covering, names_of


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A certificate file, with the chain behind the certificate, and the file of its key."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class _LoadedCertificate:
    context: ssl.SSLContext
    names: tuple[str, ...]
    leaf: x509.Certificate


class Certificates:
    """What the TLS port shows. ConfigError, which names the file, when a pair cannot be used at the start."""

    def __init__(self, pairs: Sequence[KeyPair], *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._pairs, self._now = tuple(pairs), now
        self._state = self._look_at_files()
        self._loaded = self._load()

    @property
    def context(self) -> ssl.SSLContext:
        """For the next handshake. A client that names no server, or an unknown one, gets the first pair."""
        return self._loaded[0].context

    @property
    def leaves(self) -> list[x509.Certificate]:
        return [one.leaf for one in self._loaded]

    def look(self) -> str | None:
        """Read the files again when they have changed: None when nothing changed, "" when the new ones are in force,
        else why they are not."""
        state = self._look_at_files()
        if state == self._state:
            return None
        try:
            loaded = self._load()
        except ConfigError as error:
            # Two files are replaced one after the other: the next look may find them whole.
            return str(error)
        self._loaded, self._state = loaded, state
        return ""

    def _load(self) -> tuple[_LoadedCertificate, ...]:
        loaded = tuple(_loaded(pair, self._now()) for pair in self._pairs)
        if len(loaded) > 1:
            for one in loaded:
                one.context.sni_callback = _Chooser(loaded)
        return loaded

    def _look_at_files(self) -> tuple[object, ...]:
        return tuple(_stamp(file) for pair in self._pairs for file in (pair.certificate, pair.key))


class _Chooser:
    """Gives a handshake the certificate for the server name that it asks for (SNI, RFC 6066 section 3)."""

    def __init__(self, loaded: Sequence[_LoadedCertificate]) -> None:
        self._loaded = loaded

    def __call__(self, connection: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
        if name is None:
            return
        asked = name.lower().rstrip(".")
        chosen = next((one for one in self._loaded if first_covering(one.names, asked)), None)
        if chosen is not None:
            connection.context = chosen.context


def _loaded(pair: KeyPair, now: datetime) -> _LoadedCertificate:
    try:
        leaf = x509.load_pem_x509_certificates(pair.certificate.read_bytes())[0]
    except OSError as error:
        raise _unusable(pair.certificate, f"cannot be read: {error.strerror}") from None
    except ValueError:
        raise _unusable(pair.certificate, "is no certificate in PEM form") from None
    if leaf.not_valid_after_utc <= now:
        raise _unusable(pair.certificate, f"expired on {leaf.not_valid_after_utc:%Y-%m-%d %H:%M} UTC")
    if leaf.not_valid_before_utc > now:
        raise _unusable(pair.certificate, f"is not valid before {leaf.not_valid_before_utc:%Y-%m-%d %H:%M} UTC")
    return _LoadedCertificate(_context(pair), names_of(leaf).dns, leaf)


def _context(pair: KeyPair) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # A client that offers h2 alone gets no protocol, and then a response in words: proxy/client.py knows its preface.
    context.set_alpn_protocols(["http/1.1"])
    try:
        pair.key.read_bytes()
        context.load_cert_chain(pair.certificate, pair.key, password=_no_password)
    except ssl.SSLError as error:
        if "KEY_VALUES_MISMATCH" in str(error).upper().replace(" ", "_"):
            raise _unusable(pair.key, f"is not the key of {pair.certificate}") from None
        raise _unusable(pair.key, f"cannot be used: {error.reason or error}") from None
    except OSError as error:
        raise _unusable(pair.key, f"cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise _unusable(pair.key, str(error)) from None
    return context


def _no_password() -> str:
    raise ValueError("is encrypted; a server cannot ask for its password")


def _stamp(file: Path) -> object:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _unusable(file: Path, message: str) -> ConfigError:
    hint = "--tls-cert names a PEM file with the certificate and its chain, --tls-key the file of its key"
    return ConfigError([Problem(str(file), 1, 1, "", message)], hint=hint)
