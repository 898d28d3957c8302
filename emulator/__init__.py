"""A local cloud: moto's AWS, plus what moto leaves out.

It deploys synthesized CloudFormation templates, runs their Python functions in worker processes and
answers on one port. It knows nothing of the system it runs.
"""
