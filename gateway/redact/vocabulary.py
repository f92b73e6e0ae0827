"""Which names carry secrets, told by their parts: `db_pwd`, `smtpPass`, `X-CSRFToken`, `apiToken1`. Pure.

A name is compared without case and separators, and part by part: a part ends at a separator, at a hump (`accessToken`)
or behind an acronym (`CSRFToken`). What is written as one word (`accesstoken`) is read from its end. Some names are a
secret's only with a certain value: `pin` with 4 to 8 digits, `code` with a text that a generator made; see `fits` of
values.py.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote_to_bytes

from .values import ANY, DIGITS, NO, RANDOM, SIGNATURE, TEXT

HUMP: Final = re.compile(rb"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
ESCAPE: Final = re.compile(rb"\\u00([0-9a-fA-F]{2})")
SEPARATORS: Final = re.compile(rb"[^A-Za-z0-9]+")
LONGEST: Final = 256  # bytes of a name: beyond, it is no name that anybody chose


def _words(text: str) -> frozenset[bytes]:
    return frozenset(text.encode().split())


# A word that makes the whole name a secret's when it stands at its end, apart (`db_password`) or not (`dbpassword`).
STRONG: Final = _words(
    "password passwd passphrase passcode passwort kennwort wachtwoord motdepasse contrasena senha pwd"
    " secret token apikey privatekey secretkey accesskey signingkey encryptionkey accountkey masterkey sharedkey"
    " credential credentials sessionid sessid authkey subscriptionkey decryptionkey storagekey hmackey"
    " csrf xsrf passwords secrets apikeys presharedkey"
    " passord haslo heslo salasana lozinka jelszo losenord adgangskode"
)
# The same only as a part of its own, because everyday words end so.
PARTS: Final = _words("cvv cvc csc authorization hmac sig psk mnemonic authentication mdp cred creds")
# What stands before `key` in the name of a secret; before any other word, `key` is a place or an id.
KEYS: Final = _words(
    "api private access secret signing encryption decryption account subscription master auth shared service server"
    " application app admin hmac session recovery stream storage sas deploy webhook functions function host rapidapi"
    " ssh ssl tls pgp gpg rsa aes jwt cipher crypt crypto license wrapping unseal integration consumer client root"
    " principal"
)
KEYS_OF_MANY: Final = (b"api", b"secret", b"private", b"access")
# What stands before `pass`; alone it may be the word of a test.
PASSES: Final = _words(
    "db database smtp imap pop mysql pg postgres postgresql mssql sql oracle redis mongo mongodb ftp sftp user usr"
    " admin root login mail email ldap proxy http https auth account acct wifi wlan vpn ssh keystore truststore key"
    " store cert pfx rabbitmq amqp mqtt kafka old new current confirm repeat my client server basic app api service"
    " jdbc cache queue host default master sys system bind sudo su become enable retype verify web site router nas"
    " require"
)
# What stands before `code` in the name of a code that lets somebody in.
CODES: Final = _words(
    "device recovery backup otp totp mfa sms onetime time verification login auth authorization security reset factor"
    " 2fa tfa scratch magic passwordless activation"
)
PINS: Final = _words(
    "card user new old sim atm account door parental security login confirm my bank device verify unlock"
)
COOKIES: Final = _words("set auth session login access sso remember my")

EXACT: Final = {
    **dict.fromkeys(_words("cookie setcookie cookie2 setcookie2 codeverifier oauthverifier clientassertion assertion"
        " samlresponse samlart wresult seedphrase recoveryphrase hdnts hdnea hdntl bcdntoken"
        " jsessionid phpsessid aspsessionid secretid recoverykey htpasswd tempauth rlkey resourcekey masterauth"
        " idtokenhint cardverificationvalue cardsecuritycode pinblock"), ANY),
    **dict.fromkeys(_words("pass pw otp totp basicauth onetimepassword secretanswer securityanswer recoveryanswer"
        " challengeanswer secretanswers securityanswers"), TEXT),
    **dict.fromkeys(_words("code auth session ticket tokens jwt bearer hm"), RANDOM),
    **dict.fromkeys(_words("recoverycodes backupcodes scratchcodes"), ANY),
}  # fmt: skip
# The name of a secret goes on with one of these; with any other word (`password_policy`, `token_type`) it is about one.
TAILS: Final = _words(
    "hash confirm confirmation confirmed repeat repeated again verify verification verifier retype check new old"
    " current value val text plain plaintext raw b64 base64 encoded encrypted enc digest prod production dev test"
    " staging live primary secondary base string str input binary salt backup bytes hex pem data"
)
# A name that asks something, or counts: `has_password`, `max_token`.
COUNTS: Final = _words(
    "max min total num number count avg used completion prompt input output cached remaining limit per tokens"
)
FLAGS: Final = _words(
    "is has had have needs need requires require required show hide shows forgot forget remember can should must use"
    " allow allows enable enabled disable disabled with without no skip change changed reset update send expect"
    " supports generate save saved auto lost ask want wants invalid wrong missing valid weak strong"
)
# Header names that end in `-key` and are no secret: a nonce of the handshake, names of cached things, table keys.
HARMLESS_HEADERS: Final = frozenset(
    (b"sec-websocket-key", b"surrogate-key", b"xkey", b"x-cache-key", b"cache-key", b"x-ms-documentdb-partitionkey")
)


def normal(key: bytes) -> bytes:
    """accessToken, Access-Token, access%5Ftoken -> access_token; user[password] and user.password -> password."""
    return b"_".join(_last(key)).lower()


def parts_of(key: bytes) -> list[bytes]:
    """The parts of a name in small letters, without the digits at its end: `new_password2` -> new, password."""
    parts = [part.lower() for part in _last(key)]
    if parts and len(parts) > 1 and parts[-1].isdigit():
        parts.pop()
    if parts and not parts[-1].isdigit():
        parts[-1] = parts[-1].rstrip(b"0123456789")
    return parts


def _last(key: bytes) -> list[bytes]:
    """The words of the last name in a path of names, escapes undone."""
    for _ in range(3):  # more than one server has decoded what was encoded twice
        if b"%" in key:
            key = unquote_to_bytes(key)
    if b"\\" in key:
        key = ESCAPE.sub(lambda match: bytes.fromhex(match[1].decode()), key)
    if b"." in key or b"[" in key:
        names = [name.rstrip(b"]") for name in re.split(rb"[.\[]", key.strip(b" \t\"'").rstrip(b"[]"))]
        while len(names) > 1 and (names[-1].isdigit() or not names[-1]):  # password[0], token.1
            names.pop()
        key = names[-1]
    return [part for part in SEPARATORS.split(HUMP.sub(b"_", key)) if part]


def kind_of(key: bytes) -> int:
    """Whether the value under this name, in whatever spelling, is a secret: NO, ANY, or which values are."""
    if len(key) > LONGEST:
        return NO
    parts = parts_of(key)
    if not parts:
        return NO
    kind = _kind(parts)
    if kind == ANY and len(parts) > 1 and (parts[0] in FLAGS):
        return TEXT
    return kind


def _kind(parts: list[bytes]) -> int:
    whole = b"".join(parts)
    if (kind := EXACT.get(whole)) is not None:
        return kind
    last, before = parts[-1], parts[-2] if len(parts) > 1 else b""
    if (kind := _by_last(last, before, whole)) != NO:
        return NO if last in (b"token", b"tokens") and _counts(parts[:-1], whole) else kind
    for size in (2, 3):  # Pass-Word, api_key, pre_shared_key
        ending = b"".join(parts[-size:])
        if ending in STRONG or EXACT.get(ending) == ANY:
            return ANY
    if len(parts) == 1:
        return _run_together(whole)
    return _run_together(last) or (ANY if last in TAILS and _has_stem(parts[:-1]) else NO)


def _by_last(last: bytes, before: bytes, whole: bytes) -> int:
    """What the last part says, with the one before it."""
    if last in STRONG or last in PARTS:
        return ANY
    if last == b"pin" or (last.endswith(b"pin") and last[:-3] in PINS):
        return DIGITS
    if (last == b"key" and before in KEYS) or (last == b"keys" and before in KEYS_OF_MANY):
        return ANY
    if last in (b"pass", b"pw") and before in PASSES:
        return ANY
    if last in (b"answer", b"answers") and before in (b"secret", b"security", b"recovery", b"challenge"):
        return TEXT
    if last in (b"code", b"codes") and before in CODES:
        return ANY
    if last == b"signature":
        return SIGNATURE
    if last in (b"otp", b"totp"):
        return TEXT
    if last == b"cookie" and before in COOKIES:
        return ANY
    if (
        last in (b"tokens", b"assertion", b"verifier")
        and before
        and before not in (b"client", b"code", b"oauth", b"jwt")
    ):
        return RANDOM
    return ANY if last in (b"assertion", b"verifier") and before in (b"client", b"code", b"oauth", b"jwt") else NO


def _run_together(name: bytes) -> int:
    """A name without humps and separators: accesstoken, passwordhash, smtppass."""
    for stem in STEMS:
        at = name.rfind(stem)
        if at < 0:
            continue
        head, tail = name[:at], name[at + len(stem) :]
        if not tail:
            return NO if stem == b"token" and head in COUNTS else TEXT if head in FLAGS else ANY
        if tail.isdigit() or tail in TAILS:
            return ANY
    for end, before in (
        (b"key", ENDS_OF_KEYS),
        (b"pass", ENDS_OF_PASSES),
        (b"pw", ENDS_OF_PASSES),
        (b"code", ENDS_OF_CODES),
    ):
        if name.endswith(end) and name[: -len(end)].endswith(before):
            return ANY
    if name.endswith((b"authorization", b"authentication", b"cvv", b"cvc", b"creds", b"mdp")):
        return ANY
    return SIGNATURE if name.endswith(b"signature") else NO


def _has_stem(parts: list[bytes]) -> bool:
    """Whether the parts before a tail are the name of a secret: password_hash, api_key_prod, secret_key_base."""
    if len(parts) > 1 and parts[-1] == b"key" and parts[-2] in KEYS:
        return True
    return parts[-1] in STRONG or any(b"".join(parts[-size:]) in STRONG for size in (2, 3))


def _counts(heads: list[bytes], whole: bytes) -> bool:
    """Whether it is a number of tokens: max_token, total_tokens, completion_token."""
    return any(part in COUNTS for part in heads)


# Written as one word, a short one of these would be the end of an everyday word: monkey, barcode.
ENDS_OF_KEYS: Final = tuple(word for word in KEYS if len(word) > 2)
ENDS_OF_PASSES: Final = tuple(PASSES)
ENDS_OF_CODES: Final = tuple(word for word in CODES if len(word) > 2)
STEMS: Final = sorted(STRONG - {b"csrf", b"xsrf", b"sessid"}, key=lambda word: (-len(word), word))
