"""The four stacks of one deployment, and which of them sees which."""

import aws_cdk as cdk

from infra.config import Config, config_from_context, context_file
from infra.stacks.data import DataStack
from infra.stacks.monitoring import MonitoringStack
from infra.stacks.serving import ServingStack
from infra.stacks.training import TrainingStack


def synthesize_app() -> None:
    """Write the cloud assembly to ``CDK_OUTDIR``, or to ``cdk.out``."""
    defaults = context_file()
    app = cdk.App(context=defaults, analytics_reporting=False)
    # What the CLI passes (-c key=value) has replaced what stands in the file.
    add_stacks(app, config_from_context({key: app.node.try_get_context(key) for key in defaults}))
    app.synth()


def add_stacks(app: cdk.App, config: Config) -> None:
    """Compose the system: data first, then what trains, serves and watches on it."""
    data = DataStack(app, "TidemillData", config=config)
    training = TrainingStack(app, "TidemillTraining", config=config, data=data)
    ServingStack(app, "TidemillServing", config=config, data=data)
    MonitoringStack(app, "TidemillMonitoring", config=config, data=data, training=training)
