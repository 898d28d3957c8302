"""Where moto's interpreter does something else than AWS with the same definition."""

import re
import sys
from functools import lru_cache
from typing import Any

from jsonpath_ng.ext.parser import parse
from moto.stepfunctions.parser.api import (
    ExecutionFailedEventDetails,
    HistoryEventType,
    TaskFailedEventDetails,
)
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEvent,
    FailureEventException,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import (
    StatesErrorNameType,
)
from moto.stepfunctions.parser.asl.component.common.string.string_expression import StringVariableSample
from moto.stepfunctions.parser.asl.component.state.choice.state_choice import StateChoice
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.distributed_iteration_component import (  # noqa: E501  moto's module has this name
    DistributedIterationComponent,
)
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.utils.json_path import NoSuchJsonPathError

from emulator.events.hooks import Hooks
from emulator.states.map_runs import with_failures

_INTERPRETER = "moto.stepfunctions.parser."
_INDEFINITE = re.compile(r"\*|\.\.|\?\(|\[[^\]'\"]*[:,][^\]]*\]")
_ENDS_WITH_INDEX = re.compile(r"\[\d+\]$")
_WHOLE_PERCENTAGE = re.compile(r'("ToleratedFailurePercentage"\s*:\s*\d+)(?=\s*[,}])')
_VARIABLE = re.compile(r"\$(\w+)(.*)", re.DOTALL)


def install_corrections(hooks: Hooks) -> None:
    """Have the interpreter do as AWS does.

    Parameters
    ----------
    hooks
        Where the replacements are noted.
    """
    for name, module in list(sys.modules.items()):
        if name.startswith(_INTERPRETER) and "extract_json" in vars(module):
            hooks.replace(module, "extract_json", read_path)
    hooks.replace(StringVariableSample, "_eval_body", _read_variable)
    hooks.replace(StateChoice, "_eval_state", _choose)
    hooks.replace(AmazonStateLanguageParser, "parse", staticmethod(_with_whole_percentages()))
    hooks.replace(DistributedIterationComponent, "_map_run", _with_tolerance())


def read_path(path: str, data: Any) -> Any:
    """Read a JSONPath: one value where the path can only mean one, otherwise a list of what it finds.

    moto gives a list for every path through an index, ``$.Contents[0].Key`` too.

    Parameters
    ----------
    path
        Such as ``$.a[0].b`` or ``$.a[*].b``.
    data
        Document.

    Returns
    -------
    Any
        Value or list.

    Raises
    ------
    NoSuchJsonPathError
        A path to one value leads nowhere.

    Examples
    --------
    >>> document = {"a": [{"b": 1}, {"b": 2}]}
    >>> read_path("$.a[0].b", document), read_path("$.a[*].b", document), read_path("$.a[?(@.b>5)]", document)
    (1, [1, 2], [])
    """
    found = [match.value for match in _parsed(path).find(data)]
    if _INDEFINITE.search(path) and not (_ENDS_WITH_INDEX.search(path) and len(found) == 1):
        return found
    if not found:
        raise NoSuchJsonPathError(json_path=path, data=data)
    return found[0]


def exceeds(*, failed: int, total: int, count: int, percentage: float) -> bool:
    """Tell whether a map run failed more often than it bears.

    Parameters
    ----------
    failed, total
        Items.
    count, percentage
        What is borne; 0 for what was not said. With both, either one fails the run.

    Returns
    -------
    bool
        Whether the run fails.

    Examples
    --------
    >>> exceeds(failed=1, total=4, count=0, percentage=0), exceeds(failed=1, total=4, count=0, percentage=25)
    (True, False)
    """
    limits = ([count] if count else []) + ([total * percentage / 100] if percentage else [])
    return failed > min(limits, default=0)


@lru_cache(maxsize=1024)
def _parsed(path: str) -> Any:
    return parse(path)


def _read_variable(sample: Any, env: Any) -> None:
    """Read a variable without JSONata, by which moto reads those of JSONPath states too."""
    found = _VARIABLE.fullmatch(sample.expression)
    if found is None:
        raise ValueError(f"{sample.expression} names no variable")
    value = env.variable_store.get(found[1])
    env.stack.append(read_path(f"${found[2]}", value) if found[2] else value)


def _choose(choice: Any, env: Any) -> None:
    """Find the rule that holds; where none does, fail by the name AWS gives that."""
    for rule in choice.choices_decl.rules:
        rule.eval(env)
        if env.stack.pop() is True:
            env.stack.append(rule.next_stmt.name)
            return
    if choice.default_state is None:
        cause = f"No Choice rule of the state '{choice.name}' matched, and it has no Default"
        kind = StatesErrorNameType.StatesNoChoiceMatched
        details = ExecutionFailedEventDetails(error=kind.to_name(), cause=cause)
        raise _failure(env, kind, HistoryEventType.ExecutionFailed, {"executionFailedEventDetails": details})
    env.stack.append(choice.default_state.state_name)


def _with_whole_percentages() -> Any:
    original = AmazonStateLanguageParser.parse

    def parsed(src: str) -> Any:
        # moto's grammar takes 25.0 and refuses 25.
        return original(_WHOLE_PERCENTAGE.sub(r"\1.0", src))

    return parsed


def _with_tolerance() -> Any:
    map_run = DistributedIterationComponent._map_run  # noqa: SLF001  what runs a Map's items, and counts failures

    def judged(component: Any, env: Any, eval_input: Any) -> None:
        map_run(component, env, eval_input)
        items = eval_input.map_run_record.item_counter
        if exceeds(
            failed=items.failed.get() + items.timed_out.get(),
            total=items.total.get(),
            count=eval_input.tolerated_failure_count,
            percentage=eval_input.tolerated_failure_percentage,
        ):
            kind = StatesErrorNameType.StatesExceedToleratedFailureThreshold
            cause = "The specified tolerated failure threshold was exceeded"
            details = TaskFailedEventDetails(error=kind.to_name(), cause=cause)
            raise _failure(env, kind, HistoryEventType.TaskFailed, {"taskFailedEventDetails": details})
        env.stack.append(with_failures(env.stack.pop(), eval_input.map_run_record))

    return judged


def _failure(
    env: Any, kind: StatesErrorNameType, event: HistoryEventType, details: Any
) -> FailureEventException:
    failure = FailureEvent(
        env=env, error_name=StatesErrorName(typ=kind), event_type=event, event_details=details
    )
    return FailureEventException(failure)
