"""Training: the step functions and the state machine that runs them."""

from aws_cdk import CfnOutput, Duration, Stack
from constructs import Construct

from infra.config import Config
from infra.constructs.function import PythonFunction
from infra.constructs.layers import Layers
from infra.constructs.training_machine import TrainingMachine
from infra.stacks.data import DataStack

QUICK = Duration.minutes(1)
LONG = Duration.minutes(15)


class TrainingStack(Stack):
    """The training state machine, and the notification of its end."""

    def __init__(self, scope: Construct, name: str, *, config: Config, data: DataStack) -> None:
        super().__init__(scope, name, description="Tidemill: training")
        self._config = config
        self._data = data
        self._layers = Layers(self, config=config)
        training = TrainingMachine(
            self,
            config=config,
            functions={**self._dataset_steps(), **self._model_steps(), **self._registry_steps()},
            bus=data.bus,
            topic=data.notifications,
        )
        self.machine = training.machine
        CfnOutput(self, "TrainingStateMachine", value=self.machine.state_machine_arn)

    def _dataset_steps(self) -> dict[str, PythonFunction]:
        pin = self._function("pin_dataset", "data", 1769, QUICK, declarations=True)
        # A pinned snapshot is tagged, so that expiry never takes it: a write to its table's metadata.
        self._uses_tables(pin, write=True)
        # Views that never were filled are, while the model that will read them is trained.
        pin.uses_table(self._data.features, "TIDEMILL_FEATURES_TABLE")
        pin.uses_state_machine(self._data.backfill.state_machine_arn, "TIDEMILL_BACKFILL_STATE_MACHINE_ARN")
        build = self._function("build_training_set", "data", 3008, LONG, declarations=True)
        self._uses_tables(build)
        build.uses_bucket(self._data.data_bucket, "TIDEMILL_DATA_BUCKET", write=["training-sets/"])
        return {"pin_dataset": pin, "build_training_set": build}

    def _model_steps(self) -> dict[str, PythonFunction]:
        # A candidate answers the state machine and writes no run: many of them run side by side.
        train = self._function("train_candidate", "train", 3538, LONG, declarations=True, recorded=False)
        select = self._function("select_candidate", "train", 1024, QUICK, declarations=True)
        evaluate = self._function("evaluate_candidate", "train", 3008, LONG, declarations=True)
        check = self._function("check_gates", "train", 1024, QUICK, declarations=True)
        for step in (train, evaluate):
            step.uses_bucket(self._data.data_bucket, "TIDEMILL_DATA_BUCKET", read=["training-sets/"])
        train.uses_bucket(self._data.models_bucket, "TIDEMILL_MODELS_BUCKET", write=["runs/"])
        evaluate.uses_bucket(
            self._data.models_bucket, "TIDEMILL_MODELS_BUCKET", read=["packages/"], write=["runs/"]
        )
        check.uses_bucket(self._data.models_bucket, "TIDEMILL_MODELS_BUCKET", read=["runs/"])
        return {
            "train_candidate": train,
            "select_candidate": select,
            "evaluate_candidate": evaluate,
            "check_gates": check,
        }

    def _registry_steps(self) -> dict[str, PythonFunction]:
        register = self._function("register_model", "serve", 1024, QUICK)
        register.uses_bucket(
            self._data.models_bucket, "TIDEMILL_MODELS_BUCKET", read=["runs/"], write=["packages/"]
        )
        promote = self._function("promote_model", "serve", 512, QUICK)
        record = self._function("record_failure", "serve", 512, QUICK)
        return {"register_model": register, "promote_model": promote, "record_failure": record}

    def _function(
        self,
        name: str,
        third_party: str,
        memory_mb: int,
        timeout: Duration,
        *,
        declarations: bool = False,
        recorded: bool = True,
    ) -> PythonFunction:
        function = PythonFunction(
            self,
            name,
            config=self._config,
            layers=self._layers,
            third_party=third_party,
            memory_mb=memory_mb,
            timeout=timeout,
            declarations=declarations,
        )
        if recorded:  # a step writes down in its run what it did
            function.uses_table(self._data.experiments, "TIDEMILL_EXPERIMENTS_TABLE", write=True)
        return function

    def _uses_tables(self, function: PythonFunction, *, write: bool = False) -> None:
        function.uses_database(self._data.database, write=write)
        function.uses_bucket(
            self._data.data_bucket,
            "TIDEMILL_DATA_BUCKET",
            read=["warehouse/"],
            write=["warehouse/"] if write else [],
        )
