"""The resource types of CloudFormation that the local cloud makes.

Each module makes the types of one service, through that service's own API: a property is honoured
because the API call that honours it is made. `coverage.py` is the one table of them all.
"""
