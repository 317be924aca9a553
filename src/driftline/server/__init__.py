"""The server: SageMaker's own API for unmodified clients, and a REST API for everything else."""
