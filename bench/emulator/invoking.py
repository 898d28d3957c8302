"""What calling an empty function costs: warm, cold, and many at once."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from bench.emulator.app import App
from bench.peers import MINISTACK
from bench.trial import Figure, Trial, percentile

WARM_BAR_MS = 5.0
WARM_CALLS = 100
COLD_CALLS = 5
MANY_CALLS = 1000
CONCURRENCY = 8


def trials(mine: App, peer: App) -> Iterator[Trial]:
    """Give the trials.

    Parameters
    ----------
    mine, peer
        The measured stack on both clouds.
    """
    for way, call in (("boto3", _invoke), ("an HTTP API", _request)):
        yield Trial(
            (
                Figure(f"warm invocation over {way}, p50", "ms", WARM_BAR_MS),
                Figure(f"warm invocation over {way}, p99", "ms"),
            ),
            _warm(mine, call),
            _warm(peer, call),
            MINISTACK.name,
        )
    yield Trial(
        (Figure("cold start of an empty handler, p50", "ms"),), _cold(mine), _cold(peer), MINISTACK.name
    )
    yield Trial(
        (
            Figure(f"{MANY_CALLS:,} warm invocations at concurrency {CONCURRENCY}", "s"),
            Figure(f"errors in {MANY_CALLS:,} at concurrency {CONCURRENCY}", "errors", 0),
        ),
        _many(mine),
        _many(peer),
        MINISTACK.name,
    )


def _invoke(app: App) -> str:
    answer = app.cloud.client("lambda").invoke(FunctionName=app.function, Payload=b"{}")
    payload = answer["Payload"].read().decode()
    if answer["StatusCode"] != 200 or "FunctionError" in answer:
        raise RuntimeError(f"{app.cloud.name} answered {answer['StatusCode']}: {payload}")
    return str(payload)


def _request(app: App) -> str:
    answer = app.cloud.call_api(app.api_id, "GET", "/empty")
    if answer.status != 200:
        raise RuntimeError(f"{app.cloud.name} answered {answer.status}: {answer.data.decode()}")
    return answer.data.decode()


def _warm(app: App, call: Callable[[App], str]) -> Callable[[], Sequence[float]]:
    def measure() -> Sequence[float]:
        call(app)
        times = [_milliseconds(lambda: call(app)) for _ in range(WARM_CALLS)]
        return [percentile(times, 50), percentile(times, 99)]

    return measure


def _cold(app: App) -> Callable[[], Sequence[float]]:
    """Change the function before each call, so that no process is taken again, and see that none was."""

    def measure() -> Sequence[float]:
        times, answers = [], {_invoke(app)}
        for number in range(COLD_CALLS):
            variables = {"NUMBER": f"{time.time_ns()}-{number}"}
            app.cloud.client("lambda").update_function_configuration(
                FunctionName=app.function, Environment={"Variables": variables}
            )
            times.append(_milliseconds(lambda: answers.add(_invoke(app))))
        if len(answers) != COLD_CALLS + 1:
            raise RuntimeError(f"{app.cloud.name} called a warm process: {answers}")
        return [percentile(times, 50)]

    return measure


def _many(app: App) -> Callable[[], Sequence[float]]:
    def fails(_number: int) -> bool:
        try:
            _invoke(app)
        except Exception:  # noqa: BLE001 - whatever a caller is told counts as one error
            return True
        return False

    def measure() -> Sequence[float]:
        with ThreadPoolExecutor(CONCURRENCY) as callers:
            list(callers.map(fails, range(4 * CONCURRENCY)))
            began = time.perf_counter()
            errors = sum(callers.map(fails, range(MANY_CALLS)))
            return [time.perf_counter() - began, errors]

    return measure


def _milliseconds(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return (time.perf_counter() - began) * 1000
