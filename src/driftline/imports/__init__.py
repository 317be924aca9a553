"""Import jobs: a prefix of files becomes rows of a model's tables, each file once, accounted for to the row."""
