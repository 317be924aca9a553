"""What the rows of a model version hold, where a file holds it, and whether its values are such as they must be."""
