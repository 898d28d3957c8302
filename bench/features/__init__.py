"""Features offline: point-in-time joins and windows, beside polars, pandas, DuckDB and Feast."""
