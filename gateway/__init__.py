"""What-If Gateway: routes API clusters to where they live now, records the chain, replays and explains it."""

__version__ = "0.1.0"
