"""Runs of distributed Maps: each item is a child execution, which is listed, described and written down.

moto runs the items and counts them. It forgets which child had which input and why one failed, leaves
``null`` where AWS puts what is known of a failed child, and writes a manifest without results.
(https://docs.aws.amazon.com/step-functions/latest/dg/input-output-resultwriter.html)
"""

import json
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.itemprocessor.distributed_item_processor_worker import (  # noqa: E501  moto's module has this name
    DistributedItemProcessorWorker,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.itemprocessor.map_run_record import (  # noqa: E501  likewise
    MapRunRecord,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.iterator.distributed_iterator_worker import (  # noqa: E501  likewise
    DistributedIteratorWorker,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.result_writer.resource_eval.resource_eval_s3 import (  # noqa: E501  likewise
    ResourceEvalS3,
)
from moto.stepfunctions.parser.asl.eval.program_state import ProgramEnded, ProgramError, ProgramStopped

from emulator.events.clock import Clock
from emulator.events.hooks import Hooks

_SUCCEEDED, _FAILED = "SUCCEEDED", "FAILED"
_describe = MapRunRecord.describe
_FILES = (_FAILED, "PENDING", _SUCCEEDED)


@dataclass
class Child:
    """One child execution; `input` and `output` are JSON values."""

    index: int
    arn: str
    machine_arn: str
    map_run_arn: str
    input: Any
    started: datetime
    name: str
    status: str = "RUNNING"
    stopped: datetime | None = None
    output: Any = None
    error: str | None = None
    cause: str | None = None

    def as_result(self) -> dict[str, Any]:
        """Write it as AWS writes a child's result into a file, or into the output in place of a failure's."""
        redrivable = self.status != _SUCCEEDED
        reason = {"RedriveStatusReason": "Execution is SUCCEEDED and cannot be redriven"}
        said: dict[str, Any] = {"Cause": self.cause, "Error": self.error}
        if self.status == _SUCCEEDED:
            said = {"Output": json.dumps(self.output), "OutputDetails": {"Included": True}}
        return {
            **{name: value for name, value in said.items() if value is not None},
            "ExecutionArn": self.arn,
            "Input": json.dumps(self.input),
            "InputDetails": {"Included": True},
            "Name": self.name,
            "RedriveCount": 0,
            "RedriveStatus": "REDRIVABLE" if redrivable else "NOT_REDRIVABLE",
            **({} if redrivable else reason),
            "StartDate": _milliseconds(self.started),
            "StateMachineArn": self.machine_arn,
            "Status": self.status,
            **({"StopDate": _milliseconds(self.stopped)} if self.stopped else {}),
        }

    def as_entry(self) -> dict[str, Any]:
        """Describe it as an entry of ``ListExecutions``."""
        return {
            "executionArn": self.arn,
            "stateMachineArn": self.machine_arn,
            "mapRunArn": self.map_run_arn,
            "name": self.name,
            "status": self.status,
            "startDate": self.started,
            "itemCount": 1,
            **({"stopDate": self.stopped} if self.stopped else {}),
        }

    def as_description(self) -> dict[str, Any]:
        """Describe it as ``DescribeExecution`` does."""
        told = {
            **self.as_entry(),
            "input": json.dumps(self.input),
            "inputDetails": {"included": True},
            "error": self.error,
            "cause": self.cause,
        }
        del told["itemCount"]
        if self.status == _SUCCEEDED:
            told |= {"output": json.dumps(self.output), "outputDetails": {"included": True}}
        return {name: value for name, value in told.items() if value is not None}


def install_map_runs(hooks: Hooks, *, clock: Clock) -> None:
    """Note the children of distributed Maps, and write down what became of them.

    Parameters
    ----------
    hooks
        Where the replacements are noted.
    clock
        Dates children.
    """
    for worker in (DistributedItemProcessorWorker, DistributedIteratorWorker):
        hooks.replace(worker, "_eval_input", _noting_input(worker._eval_input))  # noqa: SLF001  moto has no seam here
        hooks.replace(worker, "_eval_job", _noting_child(worker._eval_job, clock))  # noqa: SLF001  likewise
    hooks.replace(MapRunRecord, "describe", describe)
    hooks.replace(ResourceEvalS3, "_handle_put_object", staticmethod(_write_results))


def children_of(record: Any) -> list[Child]:
    """List the children of a run, by their items.

    Parameters
    ----------
    record
        moto's record of the run.

    Returns
    -------
    list of Child
        Those that have started.
    """
    return sorted(getattr(record, "children", []), key=lambda child: child.index)


def with_failures(outputs: list[Any], record: Any) -> list[Any]:
    """Put what is known of a child that failed where its output would be.

    Parameters
    ----------
    outputs
        The children's, by item.
    record
        moto's record of the run.

    Returns
    -------
    list
        As the Map's output has them.
    """
    failed = {child.index: child for child in children_of(record) if child.status != _SUCCEEDED}
    return [failed[i].as_result() if i in failed else output for i, output in enumerate(outputs)]


def find_child(records: Iterable[Any], arn: str) -> Child | None:
    """Find a child execution by its ARN; None when no run has it.

    Parameters
    ----------
    records
        moto's records of runs.
    arn
        The child's.
    """
    return next((child for record in records for child in children_of(record) if child.arn == arn), None)


def _noting_input(evaluate: Callable[..., None]) -> Callable[..., None]:
    def evaluated(worker: Any, env_frame: Any) -> None:
        evaluate(worker, env_frame)
        worker.child.input = env_frame.states.get_input()

    return evaluated


def _noting_child(run: Callable[..., None], clock: Clock) -> Callable[..., None]:
    def ran(worker: Any, env: Any, job: Any) -> None:
        record = worker._map_run_record  # noqa: SLF001  what the worker counts in
        child = _begin(record, job, clock)
        worker.child = child  # a worker runs one item at a time
        run(worker, env, job)
        child.stopped = clock.now()
        ended = env.program_state()
        if isinstance(ended, ProgramEnded):
            child.status, child.output = _SUCCEEDED, job.job_output
        elif isinstance(ended, ProgramStopped):
            child.status, child.error, child.cause = "ABORTED", ended.error, ended.cause
        else:
            known = (ended.error if isinstance(ended, ProgramError) else None) or {}
            child.status, child.error, child.cause = _FAILED, known.get("error"), known.get("cause")

    return ran


def _begin(record: Any, job: Any, clock: Clock) -> Child:
    name = str(uuid.uuid4())
    arn = record.map_state_machine_arn.replace(":stateMachine:", ":execution:") + f":{name}"
    child = Child(
        index=job.job_index,
        arn=arn,
        machine_arn=record.map_state_machine_arn,
        map_run_arn=record.map_run_arn,
        input=job.job_input,
        started=clock.now(),
        name=name,
    )
    vars(record).setdefault("children", []).append(child)  # workers run side by side
    return child


def describe(record: Any) -> dict[str, Any]:
    """Describe a run as ``DescribeMapRun`` does.

    Parameters
    ----------
    record
        moto's record of the run.

    Returns
    -------
    dict
        The answer.
    """
    told = _describe(record)
    # Each child has one item; moto counts children that failed as running.
    counts = {**told["itemCounts"], "failuresNotRedrivable": 0, "pendingRedrive": 0}
    return {**told, "itemCounts": counts, "executionCounts": counts, "redriveCount": 0}


def _write_results(env: Any, resource_runtime_part: Any, state_credentials: Any) -> None:
    """Write children of one status into one file each, and a manifest that lists the files."""
    parameters = env.stack.pop()
    env.stack.pop()  # the outputs: the files have more
    record = env.map_run_record_pool_manager.get_all().pop()
    client = ResourceEvalS3._get_s3_client(  # noqa: SLF001  a method of the class this becomes one of
        resource_runtime_part=resource_runtime_part, state_credentials=state_credentials
    )
    bucket, prefix = parameters["Bucket"], parameters.get("Prefix") or ""
    folder = f"{prefix.rstrip('/')}/" if prefix else ""
    folder += record.map_run_arn.rpartition(":")[2]
    files: dict[str, list[dict[str, Any]]] = {status: [] for status in _FILES}
    for status in _FILES:
        results = [child.as_result() for child in children_of(record) if child.status == status]
        if results:
            key, body = f"{folder}/{status}_0.json", json.dumps(results).encode()
            client.put_object(Bucket=bucket, Key=key, Body=body)
            files[status].append({"Key": key, "Size": len(body)})
    manifest = {"DestinationBucket": bucket, "MapRunArn": record.map_run_arn, "ResultFiles": files}
    key = f"{folder}/manifest.json"
    client.put_object(Bucket=bucket, Key=key, Body=json.dumps(manifest).encode())
    details = {"Bucket": bucket, "Key": key}
    env.stack.append({"MapRunArn": record.map_run_arn, "ResultWriterDetails": details})


def _milliseconds(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
