"""Which permissions requests to the Glue catalog need: on the catalog, the database and the table alike."""

from typing import Any

from emulator.identity.policy import Need
from emulator.identity.request import AwsRequest

_DATABASE_OPERATIONS = {
    "GetDatabase": "Name",
    "UpdateDatabase": "Name",
    "DeleteDatabase": "Name",
    "CreateDatabase": "DatabaseInput",
}
_TABLE_OPERATIONS = {
    "GetTable": "Name",
    "DeleteTable": "Name",
    "CreateTable": "TableInput",
    "UpdateTable": "TableInput",
    "GetTableVersion": "TableName",
    "GetTableVersions": "TableName",
    "DeleteTableVersion": "TableName",
    "GetPartition": "TableName",
    "GetPartitions": "TableName",
    "CreatePartition": "TableName",
    "UpdatePartition": "TableName",
    "DeletePartition": "TableName",
    "BatchCreatePartition": "TableName",
    "BatchDeletePartition": "TableName",
    "BatchGetPartition": "TableName",
}


def glue_needs(request: AwsRequest) -> tuple[Need, ...] | None:
    """Name the permissions a request to the catalog needs.

    Parameters
    ----------
    request
        The request.

    Returns
    -------
    tuple of Need or None
        None for an operation without a mapping.
    """
    resources = _resources(request)
    if resources is None:
        return None
    return tuple(Need(f"glue:{request.operation}", request.arn(name)) for name in ("catalog", *resources))


def _resources(request: AwsRequest) -> tuple[str, ...] | None:
    operation = request.operation
    if operation == "GetDatabases":
        return ("database/*",)
    if operation in _DATABASE_OPERATIONS:
        return (f"database/{_name(request.parameters.get(_DATABASE_OPERATIONS[operation]))}",)
    database = request.text("DatabaseName")
    if operation == "GetTables":
        return (f"database/{database}", f"table/{database}/*")
    if operation in _TABLE_OPERATIONS:
        table = _name(request.parameters.get(_TABLE_OPERATIONS[operation]))
        return (f"database/{database}", f"table/{database}/{table}")
    if operation == "BatchDeleteTable":
        tables = request.parameters.get("TablesToDelete") or []
        return (f"database/{database}", *(f"table/{database}/{table}" for table in tables))
    return None


def _name(value: Any) -> str:
    """Read a name that is given as such, or inside a description."""
    return str(value.get("Name", "")) if isinstance(value, dict) else str(value or "")
