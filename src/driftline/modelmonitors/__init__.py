"""Monitors on imported data: any window, version, environment and segment, on schedule and on demand."""
