"""Exact sums of floats, as integers: any order of adding, and any grouping, gives the same bits.

A number is split into limbs, fixed-point: ``v = sum(limb * 2**exponent)``, each limb an int64 of the
number's sign. Where sums meet sums made elsewhere (the tiles of the online store) the exponents are
``EXPONENTS``, 32 apart, and up to 2**31 numbers add up without overflow. Whoever sees all the numbers at
once may choose fewer, wider limbs: the sum as a float does not depend on it.

Range: numbers below 2**63 in size (and their squares) fit; callers leave others out. Resolution: what
lies below 2**-128 is rounded, once a number, before any adding, so it never depends on order either.

References
----------
T. J. Dekker, "A floating-point technique for extending the available precision", 1971 (the exact
product); D. Knuth, TAOCP 2, 4.2.2 (the exact sum); S. Boldo, G. Melquiond, "Emulation of a FMA and
correctly rounded sums: proved algorithms using rounding to odd", 2008.
"""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from tidemill.features.blocks import blocks
from tidemill.features.definitions import Floats, Ints

Limbs = dict[int, Ints]
"""Limbs by the exponent of their unit; one that is not there is zero."""
Pieces = Iterable[tuple[slice, Floats]]
"""Numbers that come piece by piece, each with the rows it is about."""

LOWEST = -128
WIDTH = 32
EXPONENTS = tuple(range(LOWEST, 128, WIDTH))
"""Where limbs lie that are to be added to limbs made elsewhere."""
LIMIT = 2.0**63
"""Numbers this large or larger are not taken."""

_EXACT = 53
"""Integers of this many bits are floats without rounding."""
_PIECE = 16
_FEW = 64
"""So many sums are sooner added up in Python's integers than in arrays of digits."""
_SPLITTER = 2.0**27 + 1


def finest(values: Floats) -> int:
    """Return an exponent, ``LOWEST`` or more, of which all numbers are multiples, but for what is rounded.

    Examples
    --------
    >>> finest(np.array([3.0, -40.0])), finest(np.array([0.5, 1e-60]))
    (0, -128)
    """
    if all((values[rows] == np.rint(values[rows])).all() for rows in blocks(len(values))):
        return 0
    smallest = np.inf
    for rows in blocks(len(values)):
        sizes = np.abs(values[rows])
        smallest = min(smallest, float(np.min(sizes, where=sizes > 0.0, initial=np.inf)))
    return max(LOWEST, int(np.frexp(smallest)[1]) - _EXACT)


def split(values: Floats, lowest: int = LOWEST, width: int = WIDTH) -> Limbs:
    """Split numbers into limbs.

    Parameters
    ----------
    values
        Shape (n,), each below ``LIMIT**2`` in size.
    lowest
        Exponent of the lowest limb: what `finest` says, or ``LOWEST``.
    width
        Bits of a limb, 52 at most.

    Returns
    -------
    Limbs
        Only those where some number is not zero.

    Examples
    --------
    >>> split(np.array([3.0, -2.5]))
    {0: array([ 3, -2]), -32: array([          0, -2147483648])}
    >>> split(np.array([3.0, -2.5]), lowest=-1, width=40)
    {-1: array([ 6, -5])}
    """
    limbs: Limbs = {}
    _add_pieces(limbs, _pieces_of(values), len(values), lowest, width, squares=False)
    return limbs


def split_squares(values: Floats, lowest: int = LOWEST, width: int = WIDTH) -> Limbs:
    """Split the squares of numbers below ``LIMIT`` in size, each rounded once at most, to the lowest limb.

    A limb may take one bit more than ``width``; ``lowest`` is at most twice what `finest` says.
    """
    limbs: Limbs = {}
    _add_pieces(limbs, _pieces_of(values), len(values), lowest, width, squares=True)
    return limbs


def split_streams(streams: Sequence[Pieces], n: int, lowest: int, width: int, *, squares: bool) -> Limbs:
    """Split numbers, or their squares, that come in several streams of pieces, side by side.

    Parameters
    ----------
    streams
        Each goes through a thread of its own.
    n
        The number of rows; those that no piece is about are zero.
    lowest, width
        As ``split`` and ``split_squares`` take them.
    squares
        Whether the squares are split.
    """
    limbs: Limbs = {}
    with ThreadPoolExecutor(len(streams)) as pool:
        added = [
            pool.submit(_add_pieces, limbs, pieces, n, lowest, width, squares=squares) for pieces in streams
        ]
        for each in added:
            each.result()
    return limbs


def _add_pieces(limbs: Limbs, pieces: Pieces, n: int, lowest: int, width: int, *, squares: bool) -> None:
    """Write the limbs of pieces into their rows."""
    for rows, piece in pieces:
        for exponent, limb in (_square_limbs if squares else _limbs)(piece, lowest, width).items():
            if exponent not in limbs:
                limbs.setdefault(exponent, np.zeros(n, dtype=np.int64))  # another thread may be as far
            limbs[exponent][rows] = limb


def _pieces_of(values: Floats) -> Pieces:
    return ((rows, values[rows]) for rows in blocks(len(values)))


def _square_limbs(numbers: Floats, lowest: int, width: int) -> dict[int, Floats]:
    square, lost = _product(numbers, numbers)
    limbs = _limbs(square, lowest, width, lost)
    for exponent, limb in _limbs(lost, lowest, width).items():
        limbs[exponent] = limbs[exponent] + limb if exponent in limbs else limb
    return limbs


def _limbs(numbers: Floats, lowest: int, width: int, lost: Floats | None = None) -> dict[int, Floats]:
    """Return the limbs of numbers, as floats, which hold them exactly; none that is zero everywhere.

    ``lost`` is what the numbers lack of what they stand for, less than half their last digit.
    """
    limbs: dict[int, Floats] = {}
    rest = numbers
    largest = float(np.abs(numbers).max(initial=0.0))
    bits = max(int(np.frexp(largest)[1]) - lowest, 1)
    for exponent in range(lowest + (bits - 1) // width * width, lowest - 1, -width):
        scaled = rest * 2.0**-exponent
        whole = _round(scaled, lost) if exponent == lowest else np.trunc(scaled)
        if whole.any():
            limbs[exponent] = whole
            rest = rest - whole * 2.0**exponent if exponent > lowest else rest
        if exponent > lowest and not rest.any():
            break
    return limbs


def _round(numbers: Floats, lost: Floats | None) -> Floats:
    """Return the nearest whole numbers; of two as near, the one on whose side ``lost`` lies.

    Examples
    --------
    >>> _round(np.array([2.5, 2.5, 2.5, 2.25]), np.array([0.1, 0.0, -0.1, 0.1]))
    array([3., 2., 2., 2.])
    """
    if lost is None:
        return np.rint(numbers)
    below = np.floor(numbers)
    half = (numbers - below == 0.5) & (lost != 0.0)
    return np.where(half, below + (lost > 0.0), np.rint(numbers))


def to_float(limbs: Limbs, n: int) -> Floats:
    """Return sums of limbs as floats, each rounded once, to the nearest.

    Parameters
    ----------
    limbs
        Summed limbs, each array of shape (n,).
    n
        How many sums.

    Returns
    -------
    Floats
        Shape (n,). They depend on the numbers only, not on which limbs are there.

    Examples
    --------
    >>> tenths = {exponent: limb.sum(keepdims=True) for exponent, limb in split(np.full(10, 0.1)).items()}
    >>> to_float(tenths, 1)
    array([1.])
    """
    if n <= _FEW:
        totals, unit = _integers(limbs, n)
        return np.array([_nearest(total, unit) for total in totals])
    digits = _carry(limbs, n)
    if len(digits) <= 2:
        # Each digit is exact as a float, so adding the two is the one rounding there is.
        total = np.zeros(n)
        for exponent, digit in digits:
            total += digit * 2.0**exponent
        return total
    negative = digits[-1][1] < 0
    if negative.any():
        sign = np.where(negative, -1, 1)
        digits = _carry({exponent: limb * sign for exponent, limb in limbs.items()}, n)
    size = _gather(digits, n)
    return np.where(negative, -size, size)


def scaled_deviations(total: Limbs, squares: Limbs, count: Ints) -> Floats:
    """Return ``count * sum((v - mean)**2)`` from exact sums, rounded once: however close the numbers lie.

    Parameters
    ----------
    total, squares
        Summed limbs of the numbers and of their squares, shape (n,).
    count
        How many numbers, shape (n,).

    Returns
    -------
    Floats
        Shape (n,), at least 0. Formula: count * sum(v**2) - sum(v)**2, in digits of 16 bits.
    """
    n = len(count)
    if n <= _FEW:
        return _few_deviations(total, squares, count.tolist())
    total_pieces = _pieces(total, n)
    terms = {exponent: piece * count for exponent, piece in _pieces(squares, n).items()}
    for exponent, piece in total_pieces.items():
        for other_exponent, other in total_pieces.items():
            at = exponent + other_exponent
            terms[at] = terms[at] - piece * other if at in terms else -(piece * other)
    digits = _carry(terms, n)
    if not digits:
        return np.zeros(n)
    # Squares below 2**-128 are rounded, so numbers that small can leave a sum just below 0.
    return np.where(digits[-1][1] < 0, 0.0, _gather(digits, n))


def _few_deviations(total: Limbs, squares: Limbs, count: list[int]) -> Floats:
    """Compute ``scaled_deviations`` in Python's integers."""
    (totals, unit), (sums, unit_of_squares) = (_integers(limbs, len(count)) for limbs in (total, squares))
    common = min(2 * unit, unit_of_squares)
    deviations = [
        (n * of_squares << (unit_of_squares - common)) - (of_values**2 << (2 * unit - common))
        for n, of_values, of_squares in zip(count, totals, sums, strict=True)
    ]
    # Squares below 2**-128 are rounded, so numbers that small can leave a sum just below 0.
    return np.array([_nearest(max(each, 0), common) for each in deviations])


def _integers(limbs: Limbs, n: int) -> tuple[list[int], int]:
    """Return the sums as integers, and the exponent of their unit."""
    unit = min(limbs, default=0)
    totals = [0] * n
    for exponent, limb in limbs.items():
        totals = [
            total + (part << (exponent - unit)) for total, part in zip(totals, limb.tolist(), strict=True)
        ]
    return totals, unit


def _nearest(total: int, unit: int) -> float:
    """Return the float nearest to ``total * 2**unit``: Python rounds integers and their quotients rightly."""
    return total / (1 << -unit) if unit < 0 else float(total << unit)


def _carry(limbs: Limbs, n: int) -> list[tuple[int, Ints]]:
    """Return the sums' digits from the lowest up, each 0 or more but the last, which has the sum's sign.

    Every digit is exact as a float, and what lies below a digit is less than one of its units.
    """
    digits: list[tuple[int, Ints]] = []
    at, here = min(limbs, default=0), np.zeros(n, dtype=np.int64)
    for exponent in sorted(limbs):
        while exponent > at:
            gap = exponent - at
            at, here = _cut(digits, at, here, gap if gap <= _EXACT else WIDTH)
        here = here + limbs[exponent]
    while np.abs(here).max(initial=0) > 1 << _EXACT:
        at, here = _cut(digits, at, here, WIDTH)
    return [*digits, (at, here)] if limbs else []


def _cut(digits: list[tuple[int, Ints]], at: int, here: Ints, width: int) -> tuple[int, Ints]:
    """Put the lowest bits of a digit into the list, and return what is left of it."""
    digits.append((at, here & ((1 << width) - 1)))
    return at + width, here >> width


def _gather(digits: list[tuple[int, Ints]], n: int) -> Floats:
    """Add digits of 0 or more up from the highest, rounding once.

    What does not fit ``high`` is kept in ``low``, and of what fits neither only that it is there: it makes
    the last bit of ``low`` odd, so that ``high + low`` is never mistaken for a tie (Boldo and Melquiond).
    """
    high, low, rest = np.zeros(n), np.zeros(n), np.zeros(n)
    for exponent, digit in reversed(digits):
        high, lost = _add(high, digit.astype(np.float64) * 2.0**exponent)
        low, lost = _add(low, lost)
        rest = rest + lost
    even = (low.view(np.int64) & 1) == 0
    odd = np.nextafter(low, np.where(rest > 0.0, np.inf, -np.inf))
    total: Floats = high + np.where((rest != 0.0) & even, odd, low)
    return total


def _pieces(limbs: Limbs, n: int) -> Limbs:
    """Return the digits of the sums' sizes in pieces of 16 bits, so that products of them add up in 64."""
    digits = _carry(limbs, n)
    if digits and (digits[-1][1] < 0).any():
        sign = np.where(digits[-1][1] < 0, -1, 1)
        digits = _carry({exponent: limb * sign for exponent, limb in limbs.items()}, n)
    pieces: Limbs = {}
    for exponent, digit in digits:
        for shift in range(0, int(digit.max(initial=0)).bit_length(), _PIECE):
            pieces[exponent + shift] = (digit >> shift) & ((1 << _PIECE) - 1)
    return pieces


def _add(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def _product(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    product = a * b
    a_high, a_low = _halves(a)
    b_high, b_low = _halves(b)
    lost = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
    return product, lost


def _halves(a: Floats) -> tuple[Floats, Floats]:
    scaled = _SPLITTER * a
    high = scaled - (scaled - a)
    return high, a - high
