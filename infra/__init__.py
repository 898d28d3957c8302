"""The AWS side of Tidemill: four stacks, composed from a few constructs.

Synthesis makes no AWS, git or network call. Nothing of the library or of a project is imported
here: what the stacks must know of a project (its name, its models, how often each is monitored)
stands in ``cdk.json``, and an architecture test compares it with the project's declarations.
"""
