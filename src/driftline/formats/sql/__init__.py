"""Spark SQL expressions, checked and put into DuckDB's SQL so that they give Spark's answers."""
