"""Model versions: a number for each registered model package, in the order they were registered."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tidemill.errors import Conflict, NotFound
from tidemill.ports import Documents

_ATTEMPTS = 20


@dataclass(frozen=True)
class ModelVersion:
    """A registered model package.

    ``package`` is its digest; ``gates`` what each gate found, ``passed`` whether all of them let it
    through; ``lineage`` what it was made from.
    """

    model: str
    version: int
    run_id: str
    package: str
    created_at: str
    passed: bool
    gates: Sequence[Mapping[str, Any]]
    metrics: Mapping[str, Any]
    lineage: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> "ModelVersion":
        """Return the version that ``to_json`` wrote."""
        return ModelVersion(**{**data, "gates": tuple(data["gates"])})


def register_version(
    documents: Documents,
    model: str,
    *,
    run_id: str,
    package: str,
    at: str,
    passed: bool,
    gates: Sequence[Mapping[str, Any]],
    metrics: Mapping[str, Any],
    lineage: Mapping[str, Any],
) -> ModelVersion:
    """Give a model package the next number; registering a run again returns the version it has.

    One conditional write decides, so two runs never share a number, none is skipped, and a crash
    leaves either no version or a whole one.

    Parameters
    ----------
    documents
        The experiments table.
    model
        Name of the model.
    run_id
        The run that made the package; a run has one version.
    package
        Digest of the stored package.
    at
        When, RFC 3339 in UTC.
    passed
        Whether every gate let it through.
    gates, metrics, lineage
        What was found and what it was made from, as plain data.

    Returns
    -------
    ModelVersion
        The stored version.

    Raises
    ------
    Conflict
        If other runs keep taking the next number; trying again may help.
    """
    documents.put("MODELS", model, {"model": model})
    for _ in range(_ATTEMPTS):
        known = list_versions(documents, model)
        for version in known:
            if version.run_id == run_id:
                return version
        wanted = ModelVersion(
            model=model,
            version=known[0].version + 1 if known else 1,
            run_id=run_id,
            package=package,
            created_at=at,
            passed=passed,
            gates=tuple(gates),
            metrics=metrics,
            lineage=lineage,
        )
        try:
            documents.put(_partition(model), _sort(wanted.version), wanted.to_json(), revision=0)
        except Conflict:
            continue
        return wanted
    raise Conflict(f"other runs keep registering versions of model `{model}`; try again")


def get_version(documents: Documents, model: str, version: int) -> ModelVersion:
    """Return a version.

    Raises
    ------
    NotFound
        If the model has no such version.
    """
    found = documents.get(_partition(model), _sort(version))
    if found is None:
        raise NotFound(f"model `{model}` has no version {version}; `tidemill models show {model}` lists them")
    return ModelVersion.from_json(found[0])


def list_versions(documents: Documents, model: str, *, limit: int | None = None) -> list[ModelVersion]:
    """Return a model's versions, the newest first."""
    found = documents.query(_partition(model), "VERSION#", descending=True, limit=limit)
    return [ModelVersion.from_json(document) for _, document in found]


def list_models(documents: Documents) -> list[str]:
    """Return the names of the models that have versions, in order."""
    return [name for name, _ in documents.query("MODELS")]


def _partition(model: str) -> str:
    return f"MODEL#{model}"


def _sort(version: int) -> str:
    return f"VERSION#{version:08d}"
