"""Text becomes the tree that it says, and a mistake is named with its column."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityhall_bms.rules.language.errors import ExpressionError
from cityhall_bms.rules.language.parser import parse
from cityhall_bms.rules.language.tree import Binary, Call, Member, Name, Node, Number, Related, Unary, render

names = st.sampled_from(["SAT", "SAT_SP", "RunSts", "x1", "_a", "inlet", "orders", "nothing"])
numbers = st.builds(
    Number,
    st.floats(min_value=0, max_value=1e12, allow_nan=False),
    st.sampled_from(["", "K", "°C", "%", "m³/h", "K/h", "/h", "kW/RT", "dB(A)", "%RH", "min", "ppm/min"]),
)
leaves = numbers | st.builds(Name, names) | st.just(Related("fed_by", "Air_Handling_Unit", "RunSts"))


def _grown(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    return st.one_of(
        st.builds(
            Binary, st.sampled_from(["or", "and", "<", "<=", ">", ">=", "==", "!=", "+", "-", "*", "/"]), inner, inner
        ),
        st.builds(Unary, st.sampled_from(["not", "-"]), inner),
        st.builds(Call, st.sampled_from(["abs", "avg", "for"]), st.lists(inner, max_size=3).map(tuple)),
        st.builds(Member, inner, st.lists(numbers, min_size=1, max_size=3).map(tuple)),
    )


@given(st.recursive(leaves, _grown, max_leaves=12))
def test_a_tree_written_down_reads_as_itself(tree: Node) -> None:
    assert parse(render(tree)) == tree


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("a or b and not c == 1", "a or (b and (not (c == 1)))"),
        ("a - b - c", "(a - b) - c"),
        ("a / b * c", "(a / b) * c"),
        ("-a * b", "(-a) * b"),
        ("a + b * c > d", "(a + (b * c)) > d"),
        ("not a == 1 and b == 1", "(not (a == 1)) and (b == 1)"),
        ("a == 1 or b == 1 or c == 1", "((a == 1) or (b == 1)) or (c == 1)"),
        ("x in (1, -2)", "(x) in (1, (-2))"),
    ],
)
def test_operators_bind_as_the_reference_says(text: str, meant: str) -> None:
    assert parse(text) == parse(meant)


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("2.8 K", 2.8, "K"),
        ("2.8K", 2.8, "K"),
        ("12 /h", 12.0, "/h"),
        ("10m3/h", 10.0, "m³/h"),
        ("3.3 K/h", 3.3, "K/h"),
        ("500 ppm", 500.0, "ppm"),
        ("1e3 ℃", 1000.0, "°C"),
        ("40 dB(A)", 40.0, "dB(A)"),
        ("60 %RH", 60.0, "%RH"),
        ("0.9 kW/RT", 0.9, "kW/RT"),
        (".5", 0.5, ""),
    ],
)
def test_a_number_carries_its_unit(text: str, value: float, unit: str) -> None:
    assert parse(text) == Number(value, unit)


def test_a_number_may_be_divided_by_a_role() -> None:
    assert parse("12 / h") == Binary("/", Number(12.0), Name("h"))
    assert parse("3 kPa / x") == Binary("/", Number(3.0, "kPa"), Name("x"))


@pytest.mark.parametrize(
    ("text", "column", "part"),
    [
        ("SAT > 5 mu", 9, "'mu' is no unit"),
        ("a < b < c", 7, "comparisons do not chain"),
        ("a = 3", 3, "compare with '=='"),
        ("a && b", 3, "write 'and'"),
        ("(a > 1", 7, "to close the bracket"),
        ("a > ", 5, "the expression ends here"),
        ("", 1, "the expression ends here"),
        ("a b", 3, "join two with 'and' or 'or'"),
        ("a in 3", 6, "in brackets"),
        ("a in ()", 8, "no values"),
        ("fed_by.AHU", 1, "RELATION.Class.ROLE"),
        ("near.AHU.SAT == 1", 1, "RELATION.Class.ROLE"),
        ("a + not b", 5, "brackets around 'not ...'"),
        ("max(a b)", 7, "between two arguments"),
        ("(" * 60 + "a" + ")" * 60, 51, "nested deeper"),
        ("a + " * 600 + "a", 2000, "longer than"),
    ],
)
def test_a_mistake_is_named_with_its_column_and_remedy(text: str, column: int, part: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert (caught.value.column, part in str(caught.value)) == (column, True), str(caught.value)


@given(st.text(max_size=40))
def test_no_text_brings_the_parser_down(text: str) -> None:
    column = 1
    try:
        parse(text)
    except ExpressionError as error:
        column = error.column
    assert 1 <= column <= len(text) + 1
