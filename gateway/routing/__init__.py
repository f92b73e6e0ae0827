"""routes.yaml: config, parse (all problems at once, with places), table (compiled, immutable), rewrite. Pure."""
