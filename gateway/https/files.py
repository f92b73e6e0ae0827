"""Which certificates a gateway shows: those that its options name, or those of its local authority. I/O."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import UsageError
from ..protocols import TlsState
from .authority import FOLDER, Authority, Names, local_names, names_of
from .certificates import Certificates, KeyPair

if TYPE_CHECKING:
    from ..protocols import Options


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """The certificates in force; `authority` is None for your own."""

    certificates: Certificates
    authority: Authority | None = None
    names: Callable[[], Names] | None = None

    def renew(self) -> None:
        """Make the local authority's certificate anew where it is due, or this machine has other addresses."""
        if self.authority is not None and self.names is not None:
            self.authority.ensure(self.names())

    def state(self, url: str, plain: str) -> TlsState:
        """For people, as it is now."""
        leaf = self.certificates.leaves[0]
        names = names_of(leaf)
        authority = self.authority
        until = leaf.not_valid_after_utc.isoformat().replace("+00:00", "Z")
        shown = (*names.dns, *map(str, names.addresses))
        if authority is None:
            return TlsState(url, shown, until, plain=plain)
        return TlsState(url, shown, until, authority.file, authority.fingerprint, plain)


def tls_of(options: Options) -> TlsFiles | None:
    """None when the options ask for no TLS. ConfigError names the file that cannot be used, UsageError the option."""
    if options.tls_auto and options.tls_cert:
        raise UsageError("--tls auto makes a certificate, and --tls-cert names one", hint="leave one of them out")
    if len(options.tls_cert) != len(options.tls_key):
        raise UsageError("every --tls-cert needs its --tls-key", where="--tls-key", hint="give both equally often")
    if options.tls_cert:
        pairs = [KeyPair(*pair) for pair in zip(options.tls_cert, options.tls_key, strict=True)]
        return TlsFiles(Certificates(pairs))
    if not options.tls_auto:
        if options.plain != "keep":
            raise UsageError("there is no TLS port to lead to", where="--plain", hint="--tls auto, or --tls-cert FILE")
        return None
    authority = Authority(options.recordings.parent / FOLDER)

    def names() -> Names:
        return local_names([*options.hosts, *options.tls_names], hosts=[options.host])

    authority.ensure(names())
    return TlsFiles(Certificates([KeyPair(authority.leaf_file, authority.leaf_key_file)]), authority, names)
