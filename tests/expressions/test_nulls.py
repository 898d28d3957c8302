"""The table of nulls in the manual is what expressions do."""

from pathlib import Path

from tidemill import Bool, Expr, Float, Int, String, Timestamp, col, concat, greatest, lit, when
from tidemill.expressions import column, evaluate

PAGE = Path(__file__).parents[2] / "docs" / "expressions.md"
BEGIN, END = "<!-- nulls -->\n", "<!-- /nulls -->"

ROW = {
    "x": column(Float, [None]),
    "n": column(Int, [None]),
    "s": column(String, [None]),
    "b": column(Bool, [None]),
    "t": column(Timestamp, [None]),
    "one": column(Int, [1]),
    "word": column(String, ["cat"]),
}
X, N, S, B, T, ONE = (col(name) for name in ("x", "n", "s", "b", "t", "one"))

CASES: list[tuple[str, Expr]] = [
    ("x + 1", X + 1),
    ("x > 1", X > 1),
    ("x == n", X == N),
    ("x != 1", X != 1),
    ("x.abs()", X.abs()),
    ("t.hour()", T.hour()),
    ("concat(s, 'a')", concat(S, "a")),
    ("greatest(x, 1)", greatest(X, 1)),
    ("x.clip(0, 1)", X.clip(0, 1)),
    ("n.cast(Float)", N.cast(Float)),
    ("s.is_in(['a'])", S.is_in(["a"])),
    ("one.is_in([n, 1])", ONE.is_in([N, 1])),
    ("one.is_in([n, 2])", ONE.is_in([N, 2])),
    ("~b", ~B),
    ("b & True", B & lit(value=True)),
    ("b & False", B & lit(value=False)),
    ("b | True", B | lit(value=True)),
    ("b | False", B | lit(value=False)),
    ("x.is_null()", X.is_null()),
    ("x.is_not_null()", X.is_not_null()),
    ("x.fill_null(0)", X.fill_null(0)),
    ("x.fill_null(n)", X.fill_null(N)),
    ("when(b).then(1).otherwise(2)", when(B).then(1).otherwise(2)),
    ("when(one == 1).then(n).otherwise(2)", when(ONE == 1).then(N).otherwise(2)),
    ("when(one == 2).then(1).otherwise(None)", when(ONE == 2).then(1).otherwise(None)),
    ("one / 0", ONE / 0),
    ("one // 0", ONE // 0),
    ("one % 0", ONE % 0),
    ("(one - 2).sqrt()", (ONE - 2).sqrt()),
    ("(one - 2).log1p()", (ONE - 2).log1p()),
    ("one + (2**63 - 1)", ONE + (2**63 - 1)),
    ("(one * 1e300) * 1e300", ONE * 1e300 * 1e300),
    ("word.cast(Int)", col("word").cast(Int)),
    ("word.cast(Timestamp)", col("word").cast(Timestamp)),
]
"""x, n, s, b and t are null; one is 1 and word is "cat"."""


def table() -> str:
    """Write the table, from what the expressions give."""
    lines = ["| `x`, `n`, `s`, `b`, `t` are null, `one` is 1, `word` is 'cat' | |", "|---|---|"]
    for shown, expr in CASES:
        (value,) = evaluate(expr, ROW).to_list()
        answer = "null" if value is None else str(value).lower()
        lines.append(f"| `{shown.replace('|', chr(92) + '|')}` | {answer} |")
    return "\n".join(lines) + "\n"


def test_the_manual_says_what_nulls_become() -> None:
    _, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    assert rest.partition(END)[0] == table()
