"""Which recorded response a request gets, and how it is made ready for its client. Pure."""
