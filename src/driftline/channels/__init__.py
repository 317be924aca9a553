"""Who is told: each channel sends what a run found to one kind of place."""
