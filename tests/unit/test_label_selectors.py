"""Labels of a question: what must be, what must not be, and what only looks like one."""

import pytest

from kfi.retrieval.label_selectors import find_excluded_labels, find_labels, without_labels
from kfi.retrieval.labelled import excluded_by, having
from tests.cluster import obj, ref, snapshot


@pytest.mark.parametrize(
    ("question", "wanted", "excluded"),
    [
        ("-l app=web,tier!=db", {"app": "web"}, {"tier": ("db",)}),
        ("--selector='app==web,release!=old'", {"app": "web"}, {"release": ("old",)}),
        ("pods where tier != db", {}, {"tier": ("db",)}),
        ("tier!=db,tier!=cache", {}, {"tier": ("db", "cache")}),
        ("env notin (qa, dev)", {}, {"env": ("qa", "dev")}),
        ("app.kubernetes.io/name!=cart", {}, {"app.kubernetes.io/name": ("cart",)}),
        ("status!=Running", {}, {}),
        ("status.phase!=Running", {}, {}),
        ("DEBUG!=1", {}, {}),
        ("token!=abc", {}, {}),
        ("it crashes!", {}, {}),
    ],
)
def test_a_label_is_wanted_or_excluded(question, wanted, excluded):
    assert (find_labels(question), find_excluded_labels(question)) == (wanted, excluded)


def test_the_words_of_a_label_are_nobodys_names():
    assert without_labels("why does app=web,tier!=db fail").split() == ["why", "does", ",", "fail"]


SEEN = snapshot(
    obj(
        "Deployment/orchard/cart-db",
        spec={"selector": {"matchLabels": {"tier": "db"}}, "template": {"metadata": {"labels": {"tier": "db"}}}},
    ),
    obj("Pod/orchard/cart-db-0", metadata={"labels": {"app": "cart", "tier": "db"}}),
    obj("Pod/orchard/cart-0", metadata={"labels": {"app": "cart", "tier": "web"}}),
    obj("Pod/orchard/mailer-0"),
)


def test_what_lacks_a_label_is_not_excluded_by_it():
    assert {str(one) for one in excluded_by(SEEN, {"tier": ("db",)})} == {
        "Deployment/orchard/cart-db",
        "Pod/orchard/cart-db-0",
    }
    assert excluded_by(SEEN, {}) == frozenset()


def test_all_of_the_labels_that_are_wanted_must_be_there():
    assert [*having(SEEN, {"app": "cart", "tier": "web"})] == [ref("Pod/orchard/cart-0")]
    assert [*having(SEEN, {})] == []
