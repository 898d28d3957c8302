"""Statistics on numpy alone: metrics, intervals, reference profiles, distances and drift tests.

One statistic a function, each with its formula and where it comes from. Nothing here knows what a
model or a bucket is; training and monitoring both build on it.
"""
