"""Exact sums of floats, as integers: any order of adding, and any grouping, gives the same bits.

A number is split into limbs of 32 bits, fixed-point: ``v = sum(limb[i] * 2**(32 * i))`` for i from -4 to
3, each limb an int64 below 2**32 in size, all of the number's sign. Limbs that are zero throughout are
left out: whole numbers below 2**32 take one. Up to 2**31 numbers add up without overflow.

Range: numbers below 2**63 in size (and their squares) fit; callers leave others out. Resolution: what
lies below 2**-128 is rounded, once a number, before any adding, so it never depends on order either.

References
----------
T. J. Dekker, "A floating-point technique for extending the available precision", 1971 (the exact
product); D. Knuth, TAOCP 2, 4.2.2 (the exact sum); S. Boldo, G. Melquiond, "Emulation of a FMA and
correctly rounded sums: proved algorithms using rounding to odd", 2008.
"""

import numpy as np

from tidemill.features.definitions import Floats, Ints, Mask

Limbs = dict[int, Ints]
"""Limbs by place; a place that is not there is zero."""

LOWEST = -4
HIGHEST = 3
PLACES = tuple(range(LOWEST, HIGHEST + 1))
LIMIT = 2.0**63
"""Numbers this large or larger are not taken."""

_BITS = 32
_SPLITTER = 2.0**27 + 1


def split(values: Floats) -> Limbs:
    """Split numbers into limbs.

    Parameters
    ----------
    values
        Shape (n,), each below ``LIMIT**2`` in size.

    Returns
    -------
    Limbs
        Only the places where some number is not zero.

    Examples
    --------
    >>> split(np.array([3.0, -2.5]))
    {0: array([ 3, -2]), -1: array([          0, -2147483648])}
    """
    limbs: Limbs = {}
    rest = values
    largest = float(np.abs(values).max(initial=0.0))
    for place in reversed(PLACES):
        unit = 2.0 ** (_BITS * place)
        if largest < unit and place > LOWEST:
            continue
        whole = np.rint(rest / unit) if place == LOWEST else np.trunc(rest / unit)
        if whole.any():
            limbs[place] = whole.astype(np.int64)
            rest = rest - whole * unit
        if not rest.any():
            break
    return limbs


def split_squares(values: Floats) -> Limbs:
    """Split the squares of numbers below ``LIMIT`` in size, without rounding the squares."""
    high, low = _product(values, values)
    limbs, small = split(high), split(low)
    for place, limb in small.items():
        limbs[place] = limbs[place] + limb if place in limbs else limb
    return limbs


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
    >>> tenths = {place: limb.sum(keepdims=True) for place, limb in split(np.full(10, 0.1)).items()}
    >>> to_float(tenths, 1)
    array([1.])
    """
    digits, negative = _magnitude(limbs, n)
    size = _gather(digits, _BITS, n)
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
    total_digits = _halve_digits(_magnitude(total, n)[0])
    terms = {place: digit * count for place, digit in _halve_digits(_magnitude(squares, n)[0]).items()}
    for place, digit in total_digits.items():
        for other_place, other in total_digits.items():
            at = place + other_place
            terms[at] = terms[at] - digit * other if at in terms else -(digit * other)
    digits = _normalise(terms, n, _BITS // 2)
    # Squares below 2**-128 are rounded, so numbers that small can leave a sum just below 0.
    return np.where(digits[-1][1] < 0, 0.0, _gather(digits, _BITS // 2, n))


def _magnitude(limbs: Limbs, n: int) -> tuple[list[tuple[int, Ints]], Mask]:
    """Return the digits of the sums' sizes, from the lowest place up, and which sums are negative."""
    digits = _normalise(limbs, n, _BITS)
    negative = digits[-1][1] < 0
    if negative.any():
        sign = np.where(negative, -1, 1)
        digits = _normalise({place: limb * sign for place, limb in limbs.items()}, n, _BITS)
    return digits, negative


def _normalise(terms: Limbs, n: int, bits: int) -> list[tuple[int, Ints]]:
    """Carry, so that each digit is in [0, 2**bits) but the last, which has the number's sign."""
    digits: list[tuple[int, Ints]] = []
    carry = np.zeros(n, dtype=np.int64)
    for place in range(min(terms, default=0), max(terms, default=-1) + 1):
        here = terms[place] + carry if place in terms else carry
        digits.append((place, here & ((1 << bits) - 1)))
        carry = here >> bits
    digits.append((max(terms, default=-1) + 1, carry))
    return digits


def _gather(digits: list[tuple[int, Ints]], bits: int, n: int) -> Floats:
    """Add digits of 0 or more up from the highest, rounding once.

    What does not fit ``high`` is kept in ``low``, and of what fits neither only that it is there: it makes
    the last bit of ``low`` odd, so that ``high + low`` is never mistaken for a tie (Boldo and Melquiond).
    """
    high, low, rest = np.zeros(n), np.zeros(n), np.zeros(n)
    for place, digit in reversed(digits):
        high, lost = _add(high, digit.astype(np.float64) * 2.0 ** (bits * place))
        low, lost = _add(low, lost)
        rest = rest + lost
    even = (low.view(np.int64) & 1) == 0
    odd = np.nextafter(low, np.where(rest > 0.0, np.inf, -np.inf))
    total: Floats = high + np.where((rest != 0.0) & even, odd, low)
    return total


def _halve_digits(digits: list[tuple[int, Ints]]) -> Limbs:
    """Turn digits of 32 bits into digits of 16, leaving out places that are zero throughout."""
    half = _BITS // 2
    halves = [
        (2 * place + k, (digit >> (half * k)) & ((1 << half) - 1)) for place, digit in digits for k in (0, 1)
    ]
    return {place: digit for place, digit in halves if digit.any()}


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
