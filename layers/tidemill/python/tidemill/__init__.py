"""Tidemill: what a project's declarations are written with."""
