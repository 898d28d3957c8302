"""From a cloud assembly, or a template, to running resources.

`assembly` reads what `cdk synth` wrote, `assets` puts its files into the bootstrap bucket, and `deployer`
deploys its stacks. `template` and `intrinsics` say what a template means; `judgement` what has to change;
`operation` makes, changes and removes the resources of one stack, and undoes what fails; `formation` knows
all stacks. `api` answers CloudFormation's operations, in the words of `answers`, and `engine` puts it in the
place of moto's, so that the CDK CLI and boto3 get the very same as the direct path.
"""
