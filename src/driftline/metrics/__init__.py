"""The formulas: one documented function a metric, of states only."""
