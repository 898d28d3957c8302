"""The feature engine: one definition of each feature, the same bits offline and online."""
