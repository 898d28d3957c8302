"""Tidemill as people use it, from notebooks and from the command: a deployment, found and asked.

Nothing that runs in AWS imports this package.
"""
