"""What is wrong with a JSONPath of a redaction rule, before any body is looked at with it. Pure."""

from __future__ import annotations

import re
from typing import Final

# RFC 9535 sections 2.4.6 and 2.4.7. The rules see every body that passes, and those come from anybody.
REGULAR: Final = re.compile(r"\b(?:match|search)\s*\(")


def problem_of(path: str) -> str:
    """ "" for a path that may be used."""
    import jsonpath  # a third of a command's start-up time, and few files need it

    try:
        jsonpath.compile(path, strict=True)
    except (jsonpath.JSONPathError, RecursionError) as error:
        return f"'{path}' is no JSONPath (RFC 9535): {str(error).splitlines()[0]}"
    if REGULAR.search(path):
        return f"'{path}' uses match() or search(): a hostile body could make a regular expression run for hours"
    return ""
