"""The gateway's keys: a file of its own beside the recordings, or an environment variable. I/O.

Everything is derived from one list of Fernet keys, newest first. The newest locks, all of them open, so a new
first line changes the key and keeps what is already locked.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import logging
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .errors import ConfigError, Problem, UsageError

log = logging.getLogger("gateway.secrets")

FILE = "gateway.key"
VARIABLE = "GATEWAY_SECRET_KEY"
KEY = re.compile(r"[A-Za-z0-9_-]{43}=")  # url-safe base64 of 32 bytes
KEY_NAME = b"gateway key name"
AES_PURPOSE = b"gateway sealed secrets, AES-256-GCM"
AES_VERSION = 1
MAKE_ONE = "a key is 44 characters of url-safe base64 for 32 random bytes: openssl rand -base64 32 | tr +/ -_"


class SealingKeys:
    """Seals secrets with AES-256-GCM under the newest key; opens what any of the keys sealed, and what was sealed by
    Fernet, as older versions did.

    A sealed secret is a byte of the version (1), 4 bytes that name the key, a nonce of 12 bytes, the length and the id
    of the recording in which it was sealed, then the ciphertext with its tag. Key, placeholder and recording are
    authenticated: none of them can be exchanged for another.
    """

    def __init__(self, roots: Sequence[bytes]) -> None:
        names = [_derived(root, KEY_NAME)[:4] for root in roots]
        self._keys = {name: AESGCM(_derived(root, AES_PURPOSE)) for name, root in zip(names, roots, strict=True)}
        self._newest = names[0]
        self._older = MultiFernet([_fernet(root, b"gateway sealed secrets") for root in roots])

    def encrypt(self, secret: bytes, placeholder: bytes, recording: str) -> bytes:
        """The secret, sealed for its placeholder in a recording."""
        origin, nonce = recording.encode()[:255], os.urandom(12)
        context = _context(self._newest, placeholder, origin)
        head = b"%c%b%b%c%b" % (AES_VERSION, self._newest, nonce, len(origin), origin)
        return head + self._keys[self._newest].encrypt(nonce, secret, context)

    def decrypt(self, sealed: bytes, placeholder: bytes) -> bytes:
        """The secret; InvalidToken when no key opens it, or when it belongs to another placeholder."""
        if sealed[:1] == b"g":  # Fernet's version, 0x80, in base64
            return self._older.decrypt(sealed)
        if len(sealed) < 18 or sealed[0] != AES_VERSION:
            raise InvalidToken
        end = 18 + sealed[17]
        key, origin = self._keys.get(sealed[1:5]), sealed[18:end]
        if key is None:
            raise InvalidToken
        try:
            return key.decrypt(sealed[5:17], sealed[end:], _context(sealed[1:5], placeholder, origin))
        except (InvalidTag, ValueError):
            raise InvalidToken from None

    def opens(self, sealed: bytes, placeholder: bytes) -> bool:
        """Whether one of the keys opens it."""
        try:
            self.decrypt(sealed, placeholder)
        except InvalidToken:
            return False
        return True

    def rotate(self, sealed: bytes, placeholder: bytes, recording: str) -> bytes:
        """The same secret under the newest key, its origin kept; InvalidToken when no key opens it."""
        secret = self.decrypt(sealed, placeholder)
        origin = sealed[18 : 18 + sealed[17]].decode() if sealed[0] == AES_VERSION else recording
        return self.encrypt(secret, placeholder, origin)


def _context(key: bytes, placeholder: bytes, origin: bytes) -> bytes:
    return b"gateway sealed secret %c%b%c%b%b" % (AES_VERSION, key, len(placeholder), placeholder, origin)


@dataclass(frozen=True, slots=True, repr=False)
class Keys:
    """One key per purpose, so that none of them can be used for another."""

    cookie: MultiFernet  # the session cookie
    sealing: SealingKeys  # secrets beside a recording
    placeholder: bytes  # what stands for a secret: an HMAC key
    forms: tuple[bytes, ...]  # HMAC keys of form tokens, newest first: forms outlive a restart, on any gateway
    marks: bytes  # HMAC key of what tells clients without a cookie apart; the oldest key's: a new one changes none

    @classmethod
    def of(cls, lines: Sequence[str]) -> Keys:
        """From Fernet keys, newest first."""
        roots = [base64.urlsafe_b64decode(line) for line in lines]
        return cls(
            MultiFernet([_fernet(root, b"gateway session cookie") for root in roots]),
            SealingKeys(roots),
            _derived(roots[0], b"gateway placeholders"),
            tuple(_derived(root, b"gateway form tokens") for root in roots),
            _derived(roots[-1], b"gateway marks of clients"),
        )


def load_keys(folder: Path, environ: Mapping[str, str]) -> Keys:
    """The keys of the gateway whose recordings lie in `folder`; the file is made when there is none."""
    if given := _given(environ):
        return Keys.of(given)
    file = folder / FILE
    with contextlib.suppress(FileExistsError):
        _create(file)
    return Keys.of(_read(file))


def existing_keys(folder: Path, environ: Mapping[str, str]) -> Keys | None:
    """The same without making any; None when there are none yet."""
    if given := _given(environ):
        return Keys.of(given)
    return Keys.of(_read(folder / FILE)) if (folder / FILE).exists() else None


def unopened(keys: Keys | None, sealed: Iterable[tuple[str, bytes]]) -> str:
    """What is wrong with the keys, told by some sealed secrets (placeholder, ciphertext); "" if nothing.

    Nothing is changed: a secret that no key opens stays as it is, and opens again when its key is back.
    """
    samples = list(sealed)
    lost = [blob for placeholder, blob in samples if keys is None or not keys.sealing.opens(blob, placeholder.encode())]
    if not lost:
        return ""
    names = sorted({blob[1:5].hex() for blob in lost if blob[:1] != b"g"})
    under = f", sealed under key {', '.join(names)}" if names else ""
    share = "no key opens the secrets" if len(lost) == len(samples) else "no key opens some of the secrets"
    return f"{share} of the recordings{under}: the key was lost or replaced"


LOST_HINT = (
    f"put the old {FILE} back, or its line below the new one (or into {VARIABLE}); until then replays of these"
    " recordings stop where a secret is needed. Nothing stored is changed"
)


def _given(environ: Mapping[str, str]) -> list[str]:
    """The keys of the environment variable; none when it is not set."""
    if not environ.get(VARIABLE, "").strip():
        return []
    return _checked(enumerate(environ[VARIABLE].split(","), 1), VARIABLE, in_line=True)


def check_in_file(environ: Mapping[str, str]) -> None:
    """UsageError when the keys are not in a file of ours, to be changed there."""
    if _given(environ):
        hint = f"put a new key before the others in {VARIABLE}, restart, then: gateway keys renew"
        raise UsageError("the keys come from the environment", where=VARIABLE, hint=hint)


def rotate(folder: Path) -> None:
    """Put a new key before the others. A process that has loaded the keys keeps the old ones; those still open."""
    file = folder / FILE
    _replace(file, [_new_key(), *_read(file)])


def _replace(file: Path, lines: Sequence[str]) -> None:
    beside = file.with_name(f"{FILE}.{os.getpid()}.new")
    try:
        beside.unlink(missing_ok=True)
        _write_new(beside, lines)
        beside.replace(file)
    except OSError as error:
        raise _unusable(file, f"cannot be replaced: {error.strerror or error}") from None


def retire(folder: Path) -> int:
    """Take all keys but the newest out of the file; how many they were. What only they open is lost."""
    file = folder / FILE
    lines = _read(file)
    _replace(file, lines[:1])
    return len(lines) - 1


def fingerprints(folder: Path, environ: Mapping[str, str]) -> list[str]:
    """A short name for each key, newest first: tells keys apart, and nothing about them."""
    lines = _given(environ) or _read(folder / FILE)
    roots = [base64.urlsafe_b64decode(line) for line in lines]
    return [_derived(root, KEY_NAME).hex()[:12] for root in roots]


def _create(file: Path) -> None:
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_new(file, [_new_key()])
    except FileExistsError:
        raise
    except OSError as error:
        raise _unusable(file, f"cannot be made: {error.strerror or error}") from None


def _write_new(file: Path, lines: Sequence[str]) -> None:
    """Make the file or fail; nobody else can read it, not even for a moment."""
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as out:
            out.write("".join(f"{line}\n" for line in lines))
            out.flush()
            os.fsync(out.fileno())
    except OSError:  # a full disk must not leave half a key for the next start
        file.unlink(missing_ok=True)
        raise


def _read(file: Path) -> list[str]:
    try:
        _mend_mode(file)
        text = file.read_text(encoding="ascii")
    except FileNotFoundError:
        raise _unusable(file, "does not exist") from None
    except UnicodeDecodeError:
        raise _unusable(file, "is not a text file of keys") from None
    except OSError as error:
        raise _unusable(file, f"cannot be read: {error.strerror or error}") from None
    numbered = ((number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip())
    return _checked(numbered, str(file))


def _mend_mode(file: Path) -> None:
    """Others must not read the keys; say so when they could, and end it."""
    mode = stat.S_IMODE(file.stat().st_mode)
    if os.name != "posix" or not mode & 0o077:
        return
    try:
        file.chmod(0o600)
        log.warning("%s could be read by others (mode %o); it is now for its owner only (mode 600)", file, mode)
    except OSError as error:
        log.warning("%s can be read by others (mode %o) and cannot be changed: %s", file, mode, error.strerror)


def _checked(numbered: Iterator[tuple[int, str]], file: str, *, in_line: bool = False) -> list[str]:
    """The keys, or every problem with them at once. A message never shows a key, not even a broken one."""
    keys, problems = [], []
    for number, line in numbered:
        key = line.strip()
        if why := _wrong(key):
            where = f"key {number}" if in_line else ""
            problems.append(Problem(file, 1 if in_line else number, 1, where, why))
        keys.append(key)
    if not keys:
        problems.append(Problem(file, 1, 1, "", "holds no key"))
    if problems:
        raise ConfigError(problems, hint=f"{MAKE_ONE}; {_consequence(file)}")
    return keys


def _wrong(key: str) -> str:
    if len(key) != 44:
        return f"not a key: {len(key)} characters instead of 44"
    if not KEY.fullmatch(key):
        return "not a key: not url-safe base64"
    try:
        base64.b64decode(key, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return "not a key: not url-safe base64"
    return ""


def _consequence(file: str) -> str:
    if file == VARIABLE:
        return "several keys are separated by commas, newest first"
    return "move the file away to begin with a new key, which opens neither the old cookies nor the old secrets"


def _unusable(file: Path, message: str) -> ConfigError:
    hint = f"let this user read and write {file.parent}, or give the keys in {VARIABLE}"
    return ConfigError([Problem(str(file), 1, 1, "", message)], hint=hint)


def _new_key() -> str:
    return Fernet.generate_key().decode("ascii")


def _derived(root: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(root)


def _fernet(root: bytes, purpose: bytes) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(_derived(root, purpose)))


class Keyring:
    """The keys now in force. Their users subscribe."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self._folder, self._environ = folder, environ
        self._users: list[Callable[[Keys], None]] = []
        self.keys = load_keys(folder, environ)

    def subscribe(self, renew: Callable[[Keys], None]) -> None:
        """Call `renew` with the keys whenever they have changed."""
        self._users.append(renew)

    def names(self) -> list[str]:
        """A short name for each key, newest first."""
        return fingerprints(self._folder, self._environ)

    def form_keys(self) -> Sequence[bytes]:
        """The HMAC keys of form tokens, newest first: the newest signs, all of them hold."""
        return self.keys.forms

    def rotate(self) -> None:
        """A new key locks from now on, the others still open. UsageError when the keys are not in our file."""
        check_in_file(self._environ)
        rotate(self._folder)
        self._renew()

    def retire(self) -> int:
        """Take all keys but the newest away; how many they were. What only they open is lost."""
        check_in_file(self._environ)
        gone = retire(self._folder)
        self._renew()
        return gone

    def renewed(self, sealed: bytes, placeholder: str, recording: str) -> bytes | None:
        """A sealed secret of a recording under the newest key; None when no key opens it."""
        try:
            return self.keys.sealing.rotate(sealed, placeholder.encode(), recording)
        except InvalidToken:
            return None

    def _renew(self) -> None:
        self.keys = load_keys(self._folder, self._environ)
        for renew in self._users:
            renew(self.keys)
