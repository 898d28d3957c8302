"""Watching a model: drift, quality once outcomes are known, the report, and whether to retrain."""
