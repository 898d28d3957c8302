"""Data from upload to commit: formats, checks, tables, dataset versions, and what is made of commits."""
