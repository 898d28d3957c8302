"""The files of the page at ``/_local``: plain HTML, CSS and JavaScript modules, served as they lie."""

from pathlib import Path

from emulator.http_api.response import HttpResponse

_FOLDER = Path(__file__).parent / "page"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
}
# Names and log lines come from whatever runs here: even if one got into the page as markup, nothing of
# another origin would load and no inline script would run.
_POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:"


def page_file(path: str) -> HttpResponse | None:
    """Give one file of the page.

    Parameters
    ----------
    path
        Of the request, without ``/_local/``: empty for the page itself, ``page/<file>`` for what it loads.

    Returns
    -------
    HttpResponse or None
        None when it is no file of the page.
    """
    wanted = path.removeprefix("page/") if path.startswith("page/") else "index.html" if not path else None
    files = {file.name: file for file in _FOLDER.iterdir() if file.suffix in _TYPES}
    file = files.get(wanted or "")
    if file is None:
        return None
    headers = (
        ("content-type", _TYPES[file.suffix]),
        ("content-security-policy", _POLICY),
        ("cache-control", "no-cache"),
        ("x-content-type-options", "nosniff"),
    )
    return HttpResponse(200, headers, file.read_bytes())
