"""Programs that run in a process of their own, one way to read a CSV file and write Parquet each."""
