"""User's Python around a run: scripts before and after it, each in a confined process of its own."""
