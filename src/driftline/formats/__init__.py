"""Bytes to record batches: one file a format, one line a format in the table."""
