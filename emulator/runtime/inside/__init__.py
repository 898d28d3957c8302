"""Code that runs inside a worker process, before the function's own.

It is loaded at every cold start, so it imports the standard library alone, and little of that.
"""
