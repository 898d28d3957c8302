"""Intrinsic functions: a template's values as they are once parameters and resources are known."""

import base64
import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from emulator.deploy.failures import TemplateError
from emulator.deploy.template import Template

NO_VALUE = object()
_PLACE = re.compile(r"\$\{(!?)([^}]*)\}")
_DYNAMIC = re.compile(r"\{\{resolve:([a-z-]+):([^}]*)\}\}")


class Lookup(Protocol):
    """What lies outside a template, and what its resources have become."""

    def ref(self, logical_id: str) -> Any:
        """Give the physical id of a resource; None when there is none of this name."""

    def attribute(self, logical_id: str, name: str) -> Any:
        """Give an attribute of a resource."""

    def imported(self, name: str) -> str:
        """Give the value another stack exports."""

    def dynamic(self, service: str, reference: str) -> str:
        """Give what a dynamic reference stands for."""


@dataclass
class Scope:
    """Resolves values of one template.

    Parameters
    ----------
    template
        The template, for its mappings and conditions.
    parameters
        Its parameters' values, and the pseudo parameters'.
    lookup
        Resources, exports, stores.
    """

    template: Template
    parameters: Mapping[str, Any]
    lookup: Lookup
    _conditions: dict[str, bool] = field(default_factory=dict)

    def resolve(self, value: Any) -> Any:
        """Resolve every intrinsic function in a value.

        Parameters
        ----------
        value
            Part of the template.

        Returns
        -------
        Any
            The value; what is ``AWS::NoValue`` is left out.

        Raises
        ------
        TemplateError
            A function that is unknown or wrongly used, or a name that nothing has.
        """
        found = self._resolve(value)
        return {} if found is NO_VALUE else found

    def holds(self, condition: str) -> bool:
        """Tell whether a condition of the template holds."""
        if condition not in self._conditions:
            conditions = self.template.get("Conditions", {})
            if condition not in conditions:
                raise TemplateError(f"the template has no condition {condition}")
            self._conditions[condition] = self._truth(conditions[condition])
        return self._conditions[condition]

    def wanted(self, declared: Mapping[str, Any]) -> bool:
        """Tell whether a resource's or an output's condition lets it be."""
        return "Condition" not in declared or self.holds(declared["Condition"])

    def check_rules(self) -> None:
        """Hold the parameters against the template's rules.

        Raises
        ------
        TemplateError
            An assertion does not hold; its description is given.
        """
        for name, rule in self.template.get("Rules", {}).items():
            if "RuleCondition" in rule and not self._truth(rule["RuleCondition"]):
                continue
            for assertion in rule.get("Assertions", []):
                if not self._truth(assertion["Assert"]):
                    raise TemplateError(f"rule {name}: {assertion.get('AssertDescription', 'does not hold')}")

    def _resolve(self, value: Any) -> Any:
        if isinstance(value, list):
            return [item for item in map(self._resolve, value) if item is not NO_VALUE]
        if isinstance(value, str):
            return _DYNAMIC.sub(lambda found: self.lookup.dynamic(found[1], found[2]), value)
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((name, argument),) = value.items()
            if name == "Ref":
                return self._ref(str(argument))
            if name.startswith("Fn::"):
                return self._call(name, argument)
        resolved = {key: self._resolve(item) for key, item in value.items()}
        return {key: item for key, item in resolved.items() if item is not NO_VALUE}

    def _call(self, name: str, argument: Any) -> Any:
        function = _FUNCTIONS.get(name)
        if function is None:
            raise TemplateError(
                f"{name} is not among the functions of the local cloud: {', '.join(sorted(_FUNCTIONS))}"
            )
        try:
            return function(self, argument)
        except (TypeError, ValueError, IndexError, KeyError) as error:
            raise TemplateError(f"{name} cannot work on {json.dumps(argument)}: {error}") from error

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return NO_VALUE
        if name in self.parameters:
            return self.parameters[name]
        found = self.lookup.ref(name)
        if found is None:
            raise TemplateError(f"Ref names {name}, which is neither a parameter nor a resource that is made")
        return found

    def _truth(self, expression: Any) -> bool:
        """Judge a condition: the one place where ``Fn::And`` and its like may stand."""
        if not isinstance(expression, dict) or len(expression) != 1:
            return bool(self._resolve(expression))
        ((name, argument),) = expression.items()
        if name == "Condition":
            return self.holds(argument)
        if name == "Fn::Not":
            return not self._truth(argument[0])
        if name in {"Fn::And", "Fn::Or"}:
            judged = [self._truth(part) for part in argument]
            return all(judged) if name == "Fn::And" else any(judged)
        left, right = (self._resolve(part) for part in argument)
        if name == "Fn::Equals":
            return bool(_plain(left) == _plain(right))
        if name == "Fn::Contains":
            return _plain(right) in map(_plain, left)
        raise TemplateError(f"{name} is no function for conditions here")

    def _attribute(self, argument: Any) -> Any:
        logical_id, name = argument.split(".", 1) if isinstance(argument, str) else argument
        return self.lookup.attribute(logical_id, self._resolve(name))

    def _sub(self, argument: Any) -> str:
        text, given = (argument, {}) if isinstance(argument, str) else argument
        values = self._resolve(given)

        def fill(found: re.Match[str]) -> str:
            literal, name = found.groups()
            if literal:
                return f"${{{name}}}"
            if name in values:
                return _plain(values[name])
            return _plain(self._attribute(name) if "." in name else self._ref(name))

        return str(self._resolve(_PLACE.sub(fill, text)))

    def _join(self, argument: Any) -> str:
        separator, parts = argument
        return str(self._resolve(separator.join(_plain(part) for part in self._resolve(parts))))

    def _select(self, argument: Any) -> Any:
        index, options = (self._resolve(part) for part in argument)
        return options[int(index)]

    def _split(self, argument: Any) -> list[str]:
        separator, text = argument[0], self._resolve(argument[1])
        return str(text).split(separator)

    def _if(self, argument: Any) -> Any:
        condition, yes, no = argument
        return self._resolve(yes if self.holds(condition) else no)

    def _find_in_map(self, argument: Any) -> Any:
        name, first, second, *options = (self._resolve(part) for part in argument)
        found = self.template.get("Mappings", {}).get(name, {}).get(first, {})
        if second in found:
            return found[second]
        if options:
            return options[0]["DefaultValue"]
        raise TemplateError(f"the template's mappings hold no {name}.{first}.{second}")

    def _cidr(self, argument: Any) -> list[str]:
        block, count, *bits = (self._resolve(part) for part in argument)
        network = ipaddress.ip_network(block)
        prefix = network.max_prefixlen - int(bits[0] if bits else 8)
        return [str(subnet) for subnet, _ in zip(network.subnets(new_prefix=prefix), range(int(count)))]  # noqa: B905 - the count ends it

    def _zones(self, argument: Any) -> list[str]:
        region = self._resolve(argument) or self.parameters["AWS::Region"]
        return [f"{region}{letter}" for letter in "abc"]


def _plain(value: Any) -> str:
    """Write a value as it stands in text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


_FUNCTIONS: Mapping[str, Callable[[Scope, Any], Any]] = {
    "Fn::GetAtt": Scope._attribute,  # noqa: SLF001 - the table is part of the class
    "Fn::Sub": Scope._sub,  # noqa: SLF001
    "Fn::Join": Scope._join,  # noqa: SLF001
    "Fn::Select": Scope._select,  # noqa: SLF001
    "Fn::Split": Scope._split,  # noqa: SLF001
    "Fn::If": Scope._if,  # noqa: SLF001
    "Fn::FindInMap": Scope._find_in_map,  # noqa: SLF001
    "Fn::Cidr": Scope._cidr,  # noqa: SLF001
    "Fn::GetAZs": Scope._zones,  # noqa: SLF001
    "Fn::ImportValue": lambda scope, name: scope.lookup.imported(scope.resolve(name)),
    "Fn::Base64": lambda scope, text: base64.b64encode(str(scope.resolve(text)).encode()).decode(),
    "Fn::ToJsonString": lambda scope, value: json.dumps(scope.resolve(value), separators=(",", ":")),
    "Fn::Length": lambda scope, value: len(scope.resolve(value)),
}
