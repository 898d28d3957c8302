"""Published figures, each measured against its peer in one run."""
