"""How a source's files are written, where that is not as most are."""

import codecs
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tidemill.errors import DeclarationError, did_you_mean
from tidemill.expressions import Type
from tidemill.project.names import check_distinct, check_known


@dataclass(frozen=True)
class Csv:
    """How a source's CSV files are written.

    Attributes
    ----------
    delimiter
        What stands between values: one ASCII character.
    quote
        What stands around values that hold delimiters or line ends, and doubled for itself; None if
        nothing does.
    encoding
        A name Python knows, such as "latin-1".
    header
        The columns, in order, of files whose first line is a row already; None for files that name them.

    Examples
    --------
    >>> Csv(delimiter=";", encoding="latin-1").delimiter
    ';'
    >>> Csv(encoding="latin-eins")
    Traceback (most recent call last):
    tidemill.errors.DeclarationError: Csv: encoding 'latin-eins' is none Python knows; such as "utf-8"
    """

    delimiter: str = ","
    quote: str | None = '"'
    encoding: str = "utf-8"
    header: Sequence[str] | None = None

    def __post_init__(self) -> None:
        for what, text in (("delimiter", self.delimiter), ("quote", self.quote)):
            if text is not None and (len(text) != 1 or not text.isascii() or text in "\r\n"):
                raise DeclarationError(f"Csv: {what} is {text!r}; it is one ASCII character on a line")
        if self.delimiter == self.quote:
            raise DeclarationError(f"Csv: delimiter and quote are both {self.quote!r}; change one")
        try:
            codecs.lookup(self.encoding)
        except LookupError as error:
            raise DeclarationError(
                f'Csv: encoding {self.encoding!r} is none Python knows; such as "utf-8"'
            ) from error

    def validate(self, owner: str, schema: Mapping[str, Type]) -> None:
        """Raise DeclarationError unless a given header has exactly the schema's columns."""
        if self.header is None:
            return
        check_distinct(owner, "columns of the CSV header", self.header)
        for name in self.header:
            check_known(owner, "column of the CSV header", name, schema, "its schema")
        for name in schema:
            if name not in self.header:
                raise DeclarationError(
                    f"{owner}: the CSV header has no column `{name}`{did_you_mean(name, self.header)}"
                )


PLAIN_CSV = Csv()
"""Commas, double quotes, UTF-8, and a header."""
