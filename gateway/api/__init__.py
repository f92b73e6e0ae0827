"""The JSON API under /_gateway/api/v1/: one row per call serves and describes it. I/O."""
