"""The `tidemill` command and the demo: everything a person types."""
