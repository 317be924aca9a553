"""Driftline: learns what normal looks like in a model's data and says, with reasons, when it changes."""

from driftline.processor import choose_sort

choose_sort()
