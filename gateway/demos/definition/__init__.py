"""demo.yaml and Python steps: read, checked, and what they mean. Pure."""
