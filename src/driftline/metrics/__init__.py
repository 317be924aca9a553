"""The formulas: one documented function a metric, of states only."""

from driftline.metrics import distance as distance  # registers its metrics in the table
