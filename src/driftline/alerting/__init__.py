"""Alerts of models: rules over what monitors measured and over silence, states that flip, and who is told once."""
