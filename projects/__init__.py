"""Projects: what users of Tidemill write, one package each."""
