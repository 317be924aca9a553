"""Alarms: whether a metric crosses its threshold, judged again and again, and told once when that changes."""
