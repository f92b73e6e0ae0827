"""The one scenario that documents and runnable formats are written from: steps, variables, secrets, paths. Pure."""
