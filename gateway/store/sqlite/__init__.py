"""The recordings file: one connection writes on a thread of its own, any thread reads. I/O."""
