"""HTTPS towards clients: your own certificates, or a local authority for local names. I/O."""

from .authority import Authority, Names, local_names
from .certificates import Certificates, KeyPair

__all__ = ["Authority", "Certificates", "KeyPair", "Names", "local_names"]
