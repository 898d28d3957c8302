"""Answering requests: the HTTP edge, loaded models, predictions and their log; no project, no Arrow."""
