"""What every page and API call of ours shares: guards, sign-in, keys, errors, static files, probes. I/O."""
