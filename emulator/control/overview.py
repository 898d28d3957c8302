"""What the page at ``/_local`` shows, read from the services' own state in one go.

One request a second has to cost next to nothing, so nothing here calls an API: each part reads the backend
that its API would read, and takes no longer than the loop over what is there.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from emulator import aws
from emulator.control.names import Names
from emulator.meter import Meter
from emulator.runtime.model import Invocation
from emulator.runtime.pool import Census

_LATEST_INVOCATIONS = 40
_LATEST_EXECUTIONS = 12

Part = list[dict[str, Any]]


def rfc3339(moment: datetime | None) -> str | None:
    """Write a time in UTC.

    Parameters
    ----------
    moment
        With a time zone, or None.

    Returns
    -------
    str or None
        Such as ``2013-03-01T00:00:00Z``.
    """
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment else None


class Overview:
    """Collects what there is and what it does.

    Parameters
    ----------
    region
        The cloud's region.
    resources
        Lists the stacks' resources.
    census
        Counts workers and invocations by function ARN.
    recent
        Gives the latest invocations.
    next_firings
        Tells when rules and schedules fire next.
    meter
        Counts calls.
    api_url
        Says where an HTTP API answers.
    """

    def __init__(
        self,
        *,
        region: str,
        resources: Callable[[], Part],
        census: Callable[[], Mapping[str, Census]],
        recent: Callable[[], Iterable[Invocation]],
        next_firings: Callable[[], Mapping[str, datetime]],
        meter: Meter,
        api_url: Callable[[str], str],
    ) -> None:
        self._region = region
        self._resources = resources
        self._census = census
        self._recent = recent
        self._next_firings = next_firings
        self._meter = meter
        self._api_url = api_url

    def collect(self) -> dict[str, Part]:
        """Read everything.

        Returns
        -------
        dict
            ``stacks``, ``functions``, ``queues``, ``schedules``, ``machines``, ``apis``, ``meter``.
        """
        resources = self._resources()
        names = Names(resources)
        return {
            "stacks": self._stacks(resources),
            "functions": self._functions(names),
            "queues": queues(names, self._region),
            "schedules": rules(names, self._region, self._next_firings()),
            "machines": machines(names, self._region),
            "apis": self._apis(names),
            "meter": self._calls(names),
        }

    def _stacks(self, resources: Part) -> Part:
        members: dict[str, Part] = defaultdict(list)
        for resource in resources:
            members[resource["stack"]].append(
                {key: resource[key] for key in ("logical_id", "type", "physical_id")}
            )
        stacks = list(aws.backend("cloudformation", self._region).stacks.values())
        return [
            {"name": stack.name, "status": stack.status, "resources": members[stack.name]} for stack in stacks
        ]

    def _functions(self, names: Names) -> Part:
        census, latest = self._census(), _latest_by_function(self._recent())
        return [
            {
                **names.of("AWS::Lambda::Function", function.function_name),
                "runtime": function.run_time,
                "memory_mb": int(function.memory_size),
                "timeout_seconds": float(function.timeout),
                **_counts(census.get(":".join(str(function.function_arn).split(":")[:7]))),
                "latest": [
                    [round(invocation.duration_ms, 1), invocation.status]
                    for invocation in latest.get(function.function_name, ())
                ],
            }
            for function in aws.backend("lambda", self._region).list_functions()
        ]

    def _calls(self, names: Names) -> Part:
        return [{**entry, "caller": names.of_principal(entry["principal"])} for entry in self._meter.report()]

    def _apis(self, names: Names) -> Part:
        apis = list(aws.backend("apigatewayv2", self._region).apis.values())
        return [
            {
                "id": api.api_id,
                "name": api.name,
                "stack": names.of("AWS::ApiGatewayV2::Api", api.api_id)["stack"],
                "url": self._api_url(api.api_id),
                "stages": list(api.stages),
                "routes": sorted(_routes(api, names), key=lambda route: str(route["key"])),
            }
            for api in apis
        ]


def _latest_by_function(recent: Iterable[Invocation]) -> dict[str, deque[Invocation]]:
    latest: dict[str, deque[Invocation]] = defaultdict(lambda: deque(maxlen=_LATEST_INVOCATIONS))
    for invocation in recent:
        latest[invocation.function_name].append(invocation)
    return latest


def _counts(census: Census | None) -> dict[str, int]:
    counted = census or Census(busy=0, idle=0, invocations=0, errors=0)
    return {
        "busy": counted.busy,
        "warm": counted.idle,
        "invocations": counted.invocations,
        "errors": counted.errors,
    }


def _routes(api: Any, names: Names) -> Iterable[dict[str, Any]]:
    for route in list(api.routes.values()):
        integration = api.integrations.get(str(route.target or "").rpartition("/")[2])
        uri = str(integration.integration_uri) if integration else ""
        arn = uri.partition("/functions/")[2].removesuffix("/invocations") or uri
        yield {
            "key": route.route_key,
            "authorization": route.authorization_type or "NONE",
            "target": names.of_arn(arn) if arn else None,
        }


def queues(names: Names, region: str) -> Part:
    """Describe every queue: its depth, who takes its messages, and whether it holds dead letters.

    Parameters
    ----------
    names
        Finds readable names.
    region
        The cloud's region.

    Returns
    -------
    list of dict
        One entry per queue.
    """
    takers: dict[str, Part] = defaultdict(list)
    for mapping in list(aws.backend("lambda", region)._event_source_mappings.values()):  # noqa: SLF001 - moto lists no mappings without a filter
        taker = names.of_arn(mapping.function_arn)
        takers[mapping.event_source_arn].append({**taker, "enabled": bool(mapping.enabled)})
    dead_letters = _dead_letter_arns(region)
    return [
        {
            **names.of("AWS::SQS::Queue", queue.name),
            "visible": sum(1 for message in waiting if message.visible and not message.delayed),
            "in_flight": sum(1 for message in waiting if not message.visible),
            "delayed": sum(1 for message in waiting if message.delayed),
            "holds_dead_letters": queue.queue_arn in dead_letters,
            "dead_letters_to": (
                names.of_arn(queue.dead_letter_queue.queue_arn) if queue.dead_letter_queue else None
            ),
            "takers": takers[queue.queue_arn],
        }
        for queue, waiting in _queues_with_messages(region)
    ]


def _queues_with_messages(region: str) -> Iterable[tuple[Any, list[Any]]]:
    for queue in list(aws.backend("sqs", region).queues.values()):
        with queue._messages_lock:  # noqa: SLF001 - the lock that every change of a queue holds
            waiting = list(queue._messages)  # noqa: SLF001 - moto's own counts walk this list three times
        yield queue, waiting


def _dead_letter_arns(region: str) -> set[str]:
    """Find the queues that something declares as its dead letters."""
    found = {
        queue.dead_letter_queue.queue_arn
        for queue in list(aws.backend("sqs", region).queues.values())
        if queue.dead_letter_queue
    }
    for function in aws.backend("lambda", region).list_functions():
        found.add(str((function.dead_letter_config or {}).get("TargetArn", "")))
    for bus in list(aws.backend("events", region).event_buses.values()):
        for rule in list(bus.rules.values()):
            found |= {str((target.get("DeadLetterConfig") or {}).get("Arn", "")) for target in rule.targets}
    for group in list(aws.backend("scheduler", region).schedule_groups.values()):
        for schedule in list(group.schedules.values()):
            found.add(str((schedule.target.get("DeadLetterConfig") or {}).get("Arn", "")))
    return found


def rules(names: Names, region: str, next_firings: Mapping[str, datetime]) -> Part:
    """Describe rules and schedules: what sets them off, where they lead, and when they fire next.

    Parameters
    ----------
    names
        Finds readable names.
    region
        The cloud's region.
    next_firings
        By ARN.

    Returns
    -------
    list of dict
        One entry per rule or schedule; those that fire by time first, the next one before the others.
    """
    found: Part = []
    for bus in list(aws.backend("events", region).event_buses.values()):
        for rule in list(bus.rules.values()):
            pattern = rule.event_pattern.get_pattern()
            found.append(
                {
                    **names.of("AWS::Events::Rule", rule.name),
                    "kind": "rule",
                    "group": bus.name,
                    "expression": rule.scheduled_expression or None,
                    "timezone": "UTC",
                    "pattern": pattern or None,
                    "enabled": rule.state == "ENABLED",
                    "targets": [names.of_arn(target["Arn"]) for target in rule.targets],
                    "next": rfc3339(next_firings.get(rule.arn)),
                }
            )
    for group in list(aws.backend("scheduler", region).schedule_groups.values()):
        found += [
            {
                **names.of("AWS::Scheduler::Schedule", schedule.name),
                "kind": "schedule",
                "group": group.name,
                "expression": schedule.schedule_expression,
                "timezone": schedule.schedule_expression_timezone,
                "pattern": None,
                "enabled": schedule.state == "ENABLED",
                "targets": [names.of_arn(schedule.target["Arn"])],
                "next": rfc3339(next_firings.get(schedule.arn)),
            }
            for schedule in list(group.schedules.values())
        ]
    return sorted(found, key=lambda entry: (entry["next"] is None, entry["next"] or "", entry["label"]))


def machines(names: Names, region: str) -> Part:
    """Describe state machines: how their executions ended, and the latest ones.

    Parameters
    ----------
    names
        Finds readable names.
    region
        The cloud's region.

    Returns
    -------
    list of dict
        One entry per state machine.
    """
    return [
        {
            **names.of("AWS::StepFunctions::StateMachine", machine.name),
            "arn": machine.arn,
            "executions": Counter(
                str(execution.status) for execution in machine.executions if execution.exec_status
            ),
            "latest": [
                {
                    "arn": execution.exec_arn,
                    "name": execution.name,
                    "status": str(execution.status),
                    "started": rfc3339(execution.start_date),
                    "stopped": rfc3339(execution.stop_date),
                }
                for execution in islice(reversed(list(machine.executions)), _LATEST_EXECUTIONS)
                if execution.exec_status
            ],
        }
        for machine in list(aws.backend("stepfunctions", region).state_machines)
    ]
