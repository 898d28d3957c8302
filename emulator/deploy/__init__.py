"""From a cloud assembly to running resources.

`assembly` reads what `cdk synth` wrote; `assets` puts its files into the bootstrap bucket; `deployer`
creates or updates each stack in order; `resource_map` makes a stack's resources, one by one, through
the types of `emulator.resources`; `engine` puts that map under moto's CloudFormation, so that the CDK
CLI and boto3 get the very same.
"""
