"""Hostile inputs, generated and seeded, against a whole gateway: `make hostile`, and a share of each kind in the suite."""
