"""Explanations: how much each feature of a row moved the model's answer away from what it says of the background."""
