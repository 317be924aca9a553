"""Topics: what is published to one reaches everybody who subscribed to it."""
