"""Secrets out of captures: placeholders in their places, the secrets themselves encrypted beside them. Pure."""

from .placeholders import NUMBER, PLACEHOLDER, spelled
from .sealer import News, Recall, SealedCapture, Sealer, masked_text

__all__ = ["NUMBER", "PLACEHOLDER", "News", "Recall", "SealedCapture", "Sealer", "masked_text", "spelled"]
