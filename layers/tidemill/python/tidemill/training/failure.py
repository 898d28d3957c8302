"""Recording that a run failed: in which step, by which error, and what to do about it."""

import json
from collections.abc import Mapping
from typing import Any

from tidemill.ports import Documents
from tidemill.registry.runs import fail_run, start_run
from tidemill.training.context import STEPS, RunContext


def record_failure(context: RunContext, state: Mapping[str, Any], *, documents: Documents) -> dict[str, Any]:
    """Mark the run as failed.

    Parameters
    ----------
    context
        Of the run.
    state
        The state machine's state, with the results so far and ``error``, as Step Functions catches it.
    documents
        The experiments table.

    Returns
    -------
    dict
        ``step``, ``error`` and ``cause``.
    """
    step = next((name for name in STEPS if name not in state), STEPS[-1])
    error, cause = state["error"]["Error"], message_of(state["error"].get("Cause", ""))
    # The first step starts the run; if it did not come so far, the failure is the first to know of it.
    start_run(
        documents,
        context.run_id,
        model=context.model,
        at=context.at,
        reason=context.reason,
        overrides=context.overrides,
    )
    fail_run(documents, context.run_id, at=context.at, step=step, error=error, cause=cause)
    return {"step": step, "error": error, "cause": cause}


def message_of(cause: str) -> str:
    """Return the message in what Lambda gives as the cause of a failure.

    Examples
    --------
    >>> message_of('{"errorMessage": "no rows", "errorType": "CallerError", "stackTrace": []}')
    'no rows'
    >>> message_of("Lambda timed out")
    'Lambda timed out'
    """
    try:
        parsed = json.loads(cause)
    except ValueError:
        return cause
    return str(parsed["errorMessage"]) if isinstance(parsed, dict) and "errorMessage" in parsed else cause
