"""Every port in memory: the same contracts as ``tidemill.aws``, for tests and notebooks."""
