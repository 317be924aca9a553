"""SageMaker's JSON files to our values and back, pure."""
