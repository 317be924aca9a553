"""The judgement: what a baseline and a profile together say, pure."""
