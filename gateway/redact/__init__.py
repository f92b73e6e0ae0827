"""Secrets out of captures: placeholders in their places, the secrets themselves encrypted beside them. Pure."""

from .sealer import SealedCapture, Sealer
from .vault import NUMBER, PLACEHOLDER, spelled

__all__ = ["NUMBER", "PLACEHOLDER", "SealedCapture", "Sealer", "spelled"]
