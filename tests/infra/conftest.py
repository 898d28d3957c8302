"""The synthesized templates, made once per test session, and ways to look into them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra.synth import synthesize

Properties = dict[str, Any]


@dataclass(frozen=True)
class Assembly:
    """Every resource of every stack."""

    folder: Path
    templates: dict[str, dict[str, Any]]

    def resources(self, kind: str) -> dict[str, dict[str, Any]]:
        """Resources of a type by logical id; ids carry hashes, so none meets another stack's."""
        return {
            name: resource
            for template in self.templates.values()
            for name, resource in template["Resources"].items()
            if resource["Type"] == kind
        }

    def properties(self, kind: str) -> list[Properties]:
        return [resource.get("Properties", {}) for resource in self.resources(kind).values()]

    def functions(self) -> dict[str, Properties]:
        """Functions by the name of their folder."""
        return {
            properties["Description"].removeprefix("Tidemill: "): properties
            for properties in self.properties("AWS::Lambda::Function")
        }

    def machine(self, name: str) -> Properties:
        """Return the definition of the state machine whose logical id begins so."""
        (properties,) = [
            resource["Properties"]
            for id_, resource in self.resources("AWS::StepFunctions::StateMachine").items()
            if id_.startswith(name)
        ]
        parts = properties["DefinitionString"]["Fn::Join"][1]
        text = "".join(
            part if isinstance(part, str) else json.dumps(part).replace('"', "'") for part in parts
        )
        definition: Properties = json.loads(text)
        return definition

    def statements(self, function: str) -> Iterator[dict[str, Any]]:
        """Yield what a function's role may do."""
        role = self.functions()[function]["Role"]["Fn::GetAtt"][0]
        for policy in self.properties("AWS::IAM::Policy"):
            if {"Ref": role} in policy["Roles"]:
                yield from policy["PolicyDocument"]["Statement"]


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    folder = synthesize(tmp_path_factory.mktemp("assembly") / "cdk.out")
    paths = sorted(folder.glob("*.template.json"))
    return Assembly(
        folder, {path.name.removesuffix(".template.json"): json.loads(path.read_text()) for path in paths}
    )
