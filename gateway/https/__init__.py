"""HTTPS towards clients: your own certificates, or a local authority for local names. I/O."""

from .authority import FOLDER, Authority, Names, fingerprint_of, local_names, machine_addresses, names_of
from .certificates import Certificates, KeyPair
from .server import HttpsServer
from .trust import apple_profile, der_of, steps_for

__all__ = [
    "FOLDER",
    "Authority",
    "Certificates",
    "HttpsServer",
    "KeyPair",
    "Names",
    "apple_profile",
    "der_of",
    "fingerprint_of",
    "local_names",
    "machine_addresses",
    "names_of",
    "steps_for",
]
