"""The nouns: message, exchange, recording, capture. Pure: no I/O, no clock, no environment."""
