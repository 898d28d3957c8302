"""Templates: reading them, the order of their resources, the values of their parameters."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import yaml  # type: ignore[import-untyped]
from moto.cloudformation.utils import yaml_tag_constructor

from emulator.deploy.failures import TemplateError

Template = dict[str, Any]
_SUBSTITUTED = re.compile(r"\$\{([^!][^}]*)\}")
_STORED_VALUE = re.compile(r"AWS::SSM::Parameter::Value<(.+)>")


def parse_template(text: str) -> Template:
    """Read a template; JSON first, since reading it as YAML takes seconds.

    Parameters
    ----------
    text
        JSON or YAML.

    Returns
    -------
    dict
        The template.

    Raises
    ------
    TemplateError
        The text is no template.
    """
    try:
        parsed = json.loads(text)
    except json.JSONDecodeError:
        parsed = _parse_yaml(text)
    if not isinstance(parsed, dict) or not isinstance(parsed.get("Resources"), dict):
        raise TemplateError("the template has no Resources; it needs at least one")
    return parsed


def _parse_yaml(text: str) -> Any:
    yaml.add_multi_constructor("", yaml_tag_constructor)
    try:
        return yaml.load(text, Loader=yaml.Loader)  # noqa: S506 - the short forms' tags need the full loader
    except yaml.YAMLError as error:
        raise TemplateError(f"the template is neither JSON nor YAML: {error}") from error


def in_order(template: Template) -> list[str]:
    """List the resources, each after those it depends on, else as the template has them.

    Parameters
    ----------
    template
        The template.

    Returns
    -------
    list of str
        Logical ids.

    Raises
    ------
    TemplateError
        Resources depend on each other in a circle.

    Examples
    --------
    >>> in_order({"Resources": {"A": {"DependsOn": "B"}, "B": {}}})
    ['B', 'A']
    """
    needs = {name: _dependencies(declared, template) for name, declared in template["Resources"].items()}
    found: list[str] = []
    path: list[str] = []

    def visit(name: str) -> None:
        if name in path:
            circle = " → ".join([*path[path.index(name) :], name])
            raise TemplateError(f"resources depend in a circle: {circle}")
        if name in found:
            return
        path.append(name)
        for needed in needs[name]:
            visit(needed)
        path.pop()
        found.append(name)

    for name in needs:
        visit(name)
    return found


def _dependencies(declared: Mapping[str, Any], template: Template) -> list[str]:
    given = declared.get("DependsOn", [])
    named = [given] if isinstance(given, str) else list(given)
    mentioned = mentions(declared.get("Properties", {}))
    return [name for name in dict.fromkeys([*named, *mentioned]) if name in template["Resources"]]


def mentions(value: Any) -> Iterator[str]:
    """Name what a value refers to by ``Ref``, ``Fn::GetAtt`` and ``Fn::Sub``.

    Parameters
    ----------
    value
        Part of a template.

    Yields
    ------
    str
        Logical ids and names of parameters.

    Examples
    --------
    >>> list(mentions({"Fn::Join": ["", [{"Ref": "A"}, {"Fn::Sub": "${B.Arn}/*"}]]}))
    ['A', 'B']
    """
    if isinstance(value, list):
        for item in value:
            yield from mentions(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key == "Ref" and isinstance(item, str):
                yield item
            elif key == "Fn::GetAtt":
                yield item.partition(".")[0] if isinstance(item, str) else str(item[0])
            elif key == "Fn::Sub":
                yield from _of_sub(item)
            else:
                yield from mentions(item)


def _of_sub(argument: Any) -> Iterator[str]:
    text, values = (argument, {}) if isinstance(argument, str) else argument
    for name in _SUBSTITUTED.findall(text):
        if name not in values:
            yield name.partition(".")[0]
    yield from mentions(values)


def parameter_values(
    template: Template, given: Mapping[str, str], stored: Callable[[str], str]
) -> dict[str, Any]:
    """Give each parameter its value: what was handed in, or its default.

    Parameters
    ----------
    template
        The template.
    given
        Values handed in.
    stored
        Reads a value from the parameter store.

    Returns
    -------
    dict
        Value by parameter; lists for the types that are lists.

    Raises
    ------
    TemplateError
        A parameter has no value, one it does not allow, or is not the template's.
    """
    declared: Mapping[str, Any] = template.get("Parameters", {})
    unknown = sorted(set(given) - set(declared))
    if unknown:
        raise TemplateError(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    missing = sorted(name for name, about in declared.items() if name not in given and "Default" not in about)
    if missing:
        raise TemplateError(f"Parameters: [{', '.join(missing)}] must have values")
    return {
        name: _value(name, about, str(given.get(name, about.get("Default"))), stored)
        for name, about in declared.items()
    }


def _value(name: str, about: Mapping[str, Any], text: str, stored: Callable[[str], str]) -> Any:
    allowed = about.get("AllowedValues")
    if allowed and text not in map(str, allowed):
        raise TemplateError(f"Parameter {name} is {text}; it must be one of {', '.join(map(str, allowed))}")
    pattern = about.get("AllowedPattern")
    if pattern and not re.fullmatch(pattern, text):
        raise TemplateError(f"Parameter {name} is {text}, which does not match {pattern}")
    kind = about.get("Type", "String")
    in_store = _STORED_VALUE.fullmatch(kind)
    if in_store:
        kind, text = in_store[1], stored(text)
    if kind == "CommaDelimitedList" or kind.startswith("List<"):
        return [part.strip() for part in text.split(",")] if text else []
    return text
