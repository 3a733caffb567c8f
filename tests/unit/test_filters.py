from datetime import UTC, datetime, timedelta

import pytest

from kfi.models.schemas import Document, DocumentKind, ObjectRef, Severity, Source
from kfi.vectorstore.filters import (
    MAX_DEPTH,
    MAX_PARTS,
    MAX_VALUES,
    AllOf,
    AnyOf,
    Between,
    Equals,
    Field,
    Not,
    OneOf,
    compile_filter,
    matches,
    micros,
    stored,
    value_of,
)

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
NOON_MICROS = 1_772_366_400_000_000
CART = Document(
    id="c0",
    identity="c",
    kind=DocumentKind.EVENT,
    ref=ObjectRef(cluster="east", kind="Pod", namespace="orchard", name="cart-0", container="app"),
    source=Source(path="events.json"),
    observed_at=NOON,
    last_time=NOON - timedelta(microseconds=1),
    severity=Severity.WARNING,
)


def test_each_field_is_read_from_the_document():
    assert {field: value_of(CART, field) for field in Field} == {
        Field.CLUSTER: "east",
        Field.KIND: "event",
        Field.OBJECT_KIND: "Pod",
        Field.NAMESPACE: "orchard",
        Field.NAME: "cart-0",
        Field.CONTAINER: "app",
        Field.SEVERITY: "warning",
        # It has no first time, so the time of collection stands in.
        Field.FIRST_TIME: NOON_MICROS,
        Field.LAST_TIME: NOON_MICROS - 1,
    }


@pytest.mark.parametrize(
    ("condition", "holds", "expression"),
    [
        (Equals(Field.NAME, "cart-0"), True, 'name == "cart-0"'),
        (Equals(Field.NAME, "cart"), False, 'name == "cart"'),
        (Equals(Field.LAST_TIME, NOON_MICROS - 1), True, f"last_time == {NOON_MICROS - 1}"),
        (OneOf(Field.KIND, ("log", "event")), True, 'kind in ["log", "event"]'),
        (OneOf(Field.KIND, ("log", "log")), False, 'kind in ["log"]'),
        (OneOf(Field.KIND, ()), False, 'id == ""'),
        (Between(Field.LAST_TIME, NOON_MICROS - 1, NOON_MICROS - 1), True, None),
        (Between(Field.LAST_TIME, low=NOON_MICROS), False, f"last_time >= {NOON_MICROS}"),
        (Between(Field.LAST_TIME, high=NOON_MICROS), True, f"last_time <= {NOON_MICROS}"),
        (Between(Field.LAST_TIME), True, 'id != ""'),
        (Between(Field.LAST_TIME, high=10**30), True, f"last_time <= {2**63 - 1}"),
        (AllOf(()), True, 'id != ""'),
        (AnyOf(()), False, 'id == ""'),
        (Not(AnyOf(())), True, 'not (id == "")'),
        (
            AllOf((Not(Equals(Field.NAMESPACE, "")), AnyOf((Equals(Field.NAME, "a"), Equals(Field.NAME, "b"))))),
            False,
            '(not (namespace == "")) and ((name == "a") or (name == "b"))',
        ),
    ],
)
def test_a_condition_means_and_reads_this(condition, holds, expression):
    assert matches(condition, CART) is holds
    if expression is not None:
        assert compile_filter(condition) == expression


@pytest.mark.parametrize(
    ("value", "literal"),
    [
        ('" or id != "', r'"\" or id != \""'),
        ("\\", r'"\\"'),
        ('\\"', r'"\\\""'),
        ("a\nb\r\t\x00\x1f\x7f\x85c", '"abc"'),
        ("{x} 'y' %s $meta 🍎\u202e", "\"{x} 'y' %s $meta 🍎\u202e\""),
        ("half \ud83c", '"half ?"'),
    ],
)
def test_nothing_in_a_value_ends_its_literal(value, literal):
    assert compile_filter(Equals(Field.NAME, value)) == f"name == {literal}"


def test_a_value_is_compared_as_the_index_keeps_it():
    odd = CART.model_copy(update={"ref": CART.ref.model_copy(update={"name": "cart\n-0"})})

    assert matches(Equals(Field.NAME, "cart-0"), odd)
    assert matches(Equals(Field.NAME, "ca\0rt-0"), odd)


def test_a_long_value_keeps_512_bytes_and_no_half_character():
    assert stored("é" * 400) == "é" * 256
    assert stored("a" + "é" * 400) == "a" + "é" * 255


def test_microseconds_are_exact():
    assert micros(NOON + timedelta(microseconds=123_457)) == NOON_MICROS + 123_457


@pytest.mark.parametrize(
    "wrong",
    [Equals(Field.NAME, 3), Equals(Field.LAST_TIME, "noon"), OneOf(Field.KIND, (1,)), Between(Field.NAME, 1, 2)],
)
def test_texts_and_times_are_not_compared_with_each_other(wrong):
    with pytest.raises(ValueError, match="The field"):
        compile_filter(wrong)
    with pytest.raises(ValueError, match="The field"):
        matches(wrong, CART)


def nested(depth):
    condition = Equals(Field.NAME, "cart-0")
    for _ in range(depth - 1):
        condition = Not(condition)
    return condition


def test_a_filter_has_bounds():
    compile_filter(nested(MAX_DEPTH))
    with pytest.raises(ValueError, match="levels"):
        compile_filter(nested(100_000))
    with pytest.raises(ValueError, match="parts"):
        compile_filter(AllOf((AllOf(()),) * MAX_PARTS))
    with pytest.raises(ValueError, match="values"):
        compile_filter(OneOf(Field.NAME, ("a",) * (MAX_VALUES + 1)))
