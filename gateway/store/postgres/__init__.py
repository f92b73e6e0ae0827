"""Recordings in a PostgreSQL database, for several gateways: the same seams as gateway/store/sqlite. I/O."""
