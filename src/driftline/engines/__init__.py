"""Who runs a step over many tasks and merges the answers."""
