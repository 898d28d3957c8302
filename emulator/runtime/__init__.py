"""Functions in worker processes, under the real runtime interface client."""
