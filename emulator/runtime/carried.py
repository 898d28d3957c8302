"""What Lambda's Python runtime itself carries: its client and boto3, with all they require."""

from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

_ROOTS = ("awslambdaric", "boto3")


def requirements_of(roots: tuple[str, ...]) -> list[metadata.Distribution]:
    """Walk the metadata of installed distributions.

    Parameters
    ----------
    roots
        Names to begin with.

    Returns
    -------
    list of Distribution
        Those named and all they require here, without their extras.

    Examples
    --------
    >>> sorted(each.name for each in requirements_of(("s3transfer",)))[:2]
    ['botocore', 'jmespath']
    """
    found: dict[str, metadata.Distribution] = {}
    waiting = list(roots)
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name in found:
            continue
        found[name] = metadata.distribution(name)
        needs = [Requirement(line) for line in found[name].requires or ()]
        waiting += [need.name for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})]
    return list(found.values())


def make_runtime_folder(folder: Path) -> None:
    """Fill a folder with links to the packages of the runtime, and with nothing else of this environment.

    Parameters
    ----------
    folder
        A folder that does not exist.
    """
    folder.mkdir(parents=True)
    for distribution in requirements_of(_ROOTS):
        tops = {path.parts[0] for path in distribution.files or ()} - {"..", "__pycache__"}
        for top in tops:
            (folder / top).symlink_to(str(distribution.locate_file(top)))
