"""The options of curl: their letters, which take a value, and what they mean for the request. Pure.

Facts from curl(1) of 7.88 to 8.16 and from `curl --help all`; a test compares them with the curl of the machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ....errors import UsageError, did_you_mean

Effect = Literal["request", "local", "unknowable", "refused"]


@dataclass(frozen=True, slots=True)
class Option:
    """`effect`: "request" changes what is sent and is understood; "local" changes nothing of it; "unknowable" would
    add something that only a live curl knows, `reason` says what; "refused" makes the command unreadable here."""

    name: str
    takes_value: bool
    effect: Effect
    reason: str = ""


# Those that say what is sent.
_REQUEST = {
    True: "aws-sigv4 continue-at cookie data data-ascii data-binary data-raw data-urlencode etag-compare form "
    "form-string header json oauth2-bearer proto-default range referer request request-target time-cond upload-file "
    "url url-query user user-agent variable",
    False: "anyauth basic digest form-escape get globoff head http1.0 http1.1 http2 http2-prior-knowledge http3 "
    "http3-only negotiate netrc netrc-optional next ntlm ntlm-wb path-as-is",
}
# Those about connections, proxies, TLS, output, retries, redirects and protocols other than HTTP.
_LOCAL = {
    True: "abstract-unix-socket alt-svc cacert capath cert cert-type ciphers connect-timeout connect-to cookie-jar "
    "create-file-mode crlfile curves delegation dns-interface dns-ipv4-addr dns-ipv6-addr dns-servers doh-url "
    "dump-header ech egd-file engine etag-save expect100-timeout ftp-account ftp-alternative-to-user ftp-method "
    "ftp-port ftp-ssl-ccc-mode happy-eyeballs-timeout-ms haproxy-clientip help hostpubmd5 hostpubsha256 hsts "
    "interface ip-tos ipfs-gateway keepalive-cnt keepalive-time key key-type knownhosts krb krb4 libcurl limit-rate "
    "local-port login-options mail-auth mail-from mail-rcpt max-filesize max-redirs max-time netrc-file noproxy "
    "output output-dir parallel-max parallel-max-host pass pinnedpubkey preproxy proto proto-redir proxy "
    "proxy-cacert proxy-capath proxy-cert proxy-cert-type proxy-ciphers proxy-crlfile proxy-header proxy-key "
    "proxy-key-type proxy-pass proxy-pinnedpubkey proxy-service-name proxy-tls13-ciphers proxy-tlsauthtype "
    "proxy-tlspassword proxy-tlsuser proxy-user proxy1.0 pubkey quote random-file rate request-mode resolve retry "
    "retry-delay retry-max-time sasl-authzid service-name sigalgs socks4 socks4a socks5 socks5-gssapi-service "
    "socks5-hostname speed-limit speed-time ssl-sessions stderr telnet-option tftp-blksize tls-max tls13-ciphers "
    "tlsauthtype tlspassword tlsuser trace trace-ascii trace-config unix-socket upload-flags vlan-priority write-out",
    False: "alpn append buffer ca-native cert-status clobber compressed compressed-ssh create-dirs crlf disable "
    "disable-eprt disable-epsv disallow-username-in-url doh-cert-status doh-insecure dump-ca-embed eprt epsv fail "
    "fail-early fail-with-body false-start follow ftp-create-dirs ftp-pasv ftp-pret ftp-skip-pasv-ip ftp-ssl "
    "ftp-ssl-ccc ftp-ssl-control ftp-ssl-reqd haproxy-protocol http0.9 ignore-content-length include insecure ipv4 "
    "ipv6 junk-session-cookies keepalive list-only location location-trusted mail-rcpt-allowfails manual metalink "
    "mptcp no-alpn no-buffer no-clobber no-keepalive no-npn no-progress-meter no-sessionid npn out-null parallel "
    "parallel-immediate post301 post302 post303 progress-bar progress-meter proxy-anyauth proxy-basic "
    "proxy-ca-native proxy-digest proxy-http2 proxy-insecure proxy-negotiate proxy-ntlm proxy-ssl-allow-beast "
    "proxy-ssl-auto-client-cert proxy-tlsv1 proxytunnel raw remote-header-name remote-name remote-name-all "
    "remote-time remove-on-error retry-all-errors retry-connrefused sasl-ir sessionid show-error show-headers silent "
    "skip-existing socks5-basic socks5-gssapi socks5-gssapi-nec ssl ssl-allow-beast ssl-auto-client-cert "
    "ssl-no-revoke ssl-reqd ssl-revoke-best-effort sslv2 sslv3 styled-output suppress-connect-headers tcp-fastopen "
    "tcp-nodelay tftp-no-options tls-earlydata tlsv1 tlsv1.0 tlsv1.1 tlsv1.2 tlsv1.3 tr-encoding trace-ids "
    "trace-time use-ascii verbose version xattr",
}
# Credentials that a live curl makes while it talks to the server: the request is taken without them, and it is said.
UNKNOWABLE = {
    "anyauth": "the kind of authentication is chosen by the server",
    "aws-sigv4": "an AWS signature holds the time at which it was made",
    "digest": "Digest authentication responds to a challenge of the server",
    "negotiate": "Negotiate authentication responds to a challenge of the server",
    "ntlm": "NTLM authentication responds to a challenge of the server",
    "ntlm-wb": "NTLM authentication responds to a challenge of the server",
    "netrc": "the user and the password stand in .netrc, which is not read",
    "netrc-file": "the user and the password stand in a file that is not read",
    "netrc-optional": "a user and a password may stand in .netrc, which is not read",
}
_REFUSED = {"config": "options in another file are not read"}

LETTERS = {
    "a": "append", "E": "cert", "K": "config", "C": "continue-at", "b": "cookie", "c": "cookie-jar", "d": "data",
    "q": "disable", "D": "dump-header", "f": "fail", "F": "form", "P": "ftp-port", "G": "get", "g": "globoff",
    "I": "head", "H": "header", "h": "help", "0": "http1.0", "i": "show-headers", "k": "insecure", "4": "ipv4",
    "6": "ipv6", "j": "junk-session-cookies", "l": "list-only", "L": "location", "M": "manual", "m": "max-time",
    "n": "netrc", ":": "next", "N": "no-buffer", "o": "output", "Z": "parallel", "#": "progress-bar", "x": "proxy",
    "U": "proxy-user", "p": "proxytunnel", "Q": "quote", "r": "range", "e": "referer", "J": "remote-header-name",
    "O": "remote-name", "R": "remote-time", "X": "request", "S": "show-error", "s": "silent", "Y": "speed-limit",
    "y": "speed-time", "2": "sslv2", "3": "sslv3", "t": "telnet-option", "z": "time-cond", "1": "tlsv1",
    "T": "upload-file", "B": "use-ascii", "u": "user", "A": "user-agent", "v": "verbose", "V": "version",
    "w": "write-out",
}  # fmt: skip


def _table() -> dict[str, Option]:
    found = {name: Option(name, True, "refused", reason) for name, reason in _REFUSED.items()}
    for effect, groups in (("request", _REQUEST), ("local", _LOCAL)):
        for takes_value, names in groups.items():
            for name in names.split():
                kind: Effect = "unknowable" if name in UNKNOWABLE else "request" if effect == "request" else "local"
                found[name] = Option(name, takes_value, kind, UNKNOWABLE.get(name, ""))
    return found


OPTIONS: dict[str, Option] = _table()


def long_option(word: str, where: str) -> tuple[Option, bool]:
    """(option, is it on): "--head", "--no-head". Curl before 8.14 takes unique beginnings of names as well.

    UsageError names an option that curl does not have, or that several names begin with.
    """
    name = word.removeprefix("--")
    if name in OPTIONS:
        return OPTIONS[name], True
    switched_off = OPTIONS.get(name.removeprefix("no-"))
    if name.startswith("no-") and switched_off is not None and not switched_off.takes_value:
        return switched_off, False
    expanded = OPTIONS.get(name.removeprefix("expand-"))
    if name.startswith("expand-") and expanded is not None and expanded.takes_value:
        return expanded, True
    near = [option for full, option in OPTIONS.items() if name and full.startswith(name)]
    if len(near) == 1:
        return near[0], True
    if "=" in name:
        begin = name.partition("=")[0]
        raise UsageError(
            f"--{begin[:40]}=...: curl takes a value after a space, not after =",
            where=where,
            hint=f"--{begin[:40]} VALUE",
        )
    raise _unknown(f"--{name[:60]}", did_you_mean(name, OPTIONS), where)


def short_option(letter: str, word: str, where: str) -> Option:
    """The option of one letter; UsageError names a letter that curl does not have, and the word it stands in."""
    if letter not in LETTERS:
        raise _unknown(f"-{letter}" if len(word) == 2 else f"-{letter} (in {word[:40]})", "", where)
    return OPTIONS[LETTERS[letter]]


def _unknown(option: str, near: str, where: str) -> UsageError:
    return UsageError(
        f"{option} is no option of curl that is known here{near}",
        where=where,
        hint="take it out, or quote what follows it",
    )
