"""How large the widest item of a feature view gets in the online store, before any data is there.

The widest item is that of an entity which has rows in every tile of its windows. It is reckoned from the
declaration: so many tiles of each hop, and in each tile so many bytes for every figure. What no declaration
bounds is left out: the values that ``distinct`` tells apart, the words that ``first`` and ``last`` pick, and
the rows of an entity that are each known at a moment of their own. For those an item lets go of what does not
fit (``tidemill.features.fitting``).
"""

from dataclasses import dataclass

from tidemill.canonical import digest_json
from tidemill.errors import DeclarationError
from tidemill.expressions import Expr, Type

MAX_ITEM_BYTES = 390_000
"""The most that fits into an item of DynamoDB, 400 KB, beside its key and numbers."""

# What a tile takes, packed and deflated, of numbers with as many digits as a float has.
_HEAD = 13
_COUNT = 2
_LATEST = 20
_TOTAL, _SQUARES, _EXTREME = 13, 25, 8
_PARTS: dict[str, tuple[tuple[str, int], ...]] = {
    "count": (),
    "sum": (("total", _TOTAL),),
    "mean": (("total", _TOTAL),),
    "rate": (("total", _COUNT),),
    "var": (("total", _TOTAL), ("squares", _SQUARES)),
    "std": (("total", _TOTAL), ("squares", _SQUARES)),
    "min": (("smallest", _EXTREME),),
    "max": (("largest", _EXTREME),),
    "first": (("first", 20),),
    "last": (("last", 20),),
    "distinct": (("distinct", 12),),
}
_WHOLE = {"total": 6, "squares": 12, "smallest": 4, "largest": 4}
"""What takes less of ints and bools."""
_UNITS = (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1))


@dataclass(frozen=True)
class Windowed:
    """A figure over a window, as far as it bears on size: ``type_`` is that of its value."""

    kind: str
    value: Expr | None
    type_: Type | None
    window_seconds: int
    hop_seconds: int


@dataclass(frozen=True)
class HopSize:
    """What the figures of one hop take."""

    hop_seconds: int
    longest_seconds: int
    n_figures: int
    n_bytes: int

    def __str__(self) -> str:
        n_tiles, hop = _n_tiles(self.longest_seconds, self.hop_seconds), _shown(self.hop_seconds)
        return (
            f"{self.n_figures} figures over up to {_shown(self.longest_seconds)}, {n_tiles} tiles of {hop}: "
            f"{self.n_bytes:,} bytes"
        )


def hop_sizes(figures: list[Windowed]) -> list[HopSize]:
    """Reckon what the figures of each hop take, the most first.

    Examples
    --------
    >>> day = 86_400
    >>> figures = [Windowed("count", None, None, window * day, day) for window in (30, 90)]
    >>> print(*hop_sizes(figures))
    2 figures over up to 90d, 92 tiles of 1d: 1,380 bytes
    """
    by_hop: dict[int, list[Windowed]] = {}
    for figure in figures:
        by_hop.setdefault(figure.hop_seconds, []).append(figure)
    return sorted((_hop_size(hop, own) for hop, own in by_hop.items()), key=lambda each: -each.n_bytes)


def _hop_size(hop_seconds: int, figures: list[Windowed]) -> HopSize:
    longest = max(figure.window_seconds for figure in figures)
    reach: dict[tuple[str, str], int] = {}  # figures of one value share its parts, as far as the longest goes
    bytes_of: dict[tuple[str, str], int] = {}
    for figure in figures:
        value = "" if figure.value is None else digest_json(figure.value.to_json())
        for part, n_bytes in (("count", _COUNT), *_PARTS[figure.kind]):
            is_whole = figure.type_ in {Type.INT, Type.BOOL}
            bytes_of[value, part] = min(n_bytes, _WHOLE.get(part, n_bytes)) if is_whole else n_bytes
            reach[value, part] = max(reach.get((value, part), 0), figure.window_seconds)
    n_bytes = _HEAD * _n_tiles(longest, hop_seconds)
    n_bytes += sum(bytes_of[each] * _n_tiles(window, hop_seconds) for each, window in reach.items())
    return HopSize(hop_seconds, longest, len(figures), n_bytes)


def _n_tiles(window_seconds: int, hop_seconds: int) -> int:
    return -(-window_seconds // hop_seconds) + 2  # the one that has begun, and the one its far end is in


def check_item_size(owner: str, figures: list[Windowed], n_latest: int) -> None:
    """Refuse a view whose widest item could not be stored.

    Parameters
    ----------
    owner
        The view, for the message.
    figures, n_latest
        Its figures over windows, and how many latest values it has.

    Raises
    ------
    DeclarationError
        If so, with what takes how much.
    """
    sizes = hop_sizes(figures)
    n_bytes = _LATEST * n_latest + sum(size.n_bytes for size in sizes)
    if n_bytes > MAX_ITEM_BYTES:
        parts = "; ".join(map(str, sizes))
        raise DeclarationError(
            f"{owner} is too wide: an entity with rows in every tile would take {n_bytes:,} bytes of the "
            f"online store, and {MAX_ITEM_BYTES:,} fit ({parts}); give the windows of the first of these a "
            "longer hop=, or spread the features over several views"
        )


def _shown(seconds: int) -> str:
    name, unit = next((name, unit) for name, unit in _UNITS if seconds % unit == 0)
    return f"{seconds // unit}{name}"
