"""Processing jobs: what SageMaker's container contract asks, done by Driftline's own analysis or a user's command."""
