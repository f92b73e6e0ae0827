"""Demos made from recordings, and what-ifs saved into demo.yaml. I/O."""
