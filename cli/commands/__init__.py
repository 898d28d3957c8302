"""The commands of `tidemill`, one group a file."""
