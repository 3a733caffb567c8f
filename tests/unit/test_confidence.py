"""A confidence is a share that was counted: more strength is never less, and a weak lead stays one."""

import pytest

from kfi.diagnosis.catalogue import Layer, Rule
from kfi.diagnosis.confidence import WEAK, Curve, Shows, calibrated, shows
from kfi.models.schemas import Role
from tests.cluster import explain, obj, ref, snapshot

CRASH = Rule(code="crash", title="Crash", layer=Layer.CRASH, meaning="", confirm="", fix=())
DOWN = Rule(code="down", title="Down", layer=Layer.SYMPTOM, meaning="", confirm="", fix=(), role=Role.SYMPTOM)
RULES = {rule.code: rule for rule in (CRASH, DOWN)}
CART = "Deployment/orchard/cart"
CURVE = Curve(intercept=-1.0, slope=2.0, alone=3.0, as_symptom=-3.0)


def incident(*findings):
    return explain(snapshot(obj(CART)), findings, RULES)[0]


def test_how_a_root_shows_itself():
    crash, down = CRASH.found(ref(CART), "It ends."), DOWN.found(ref(CART), "0 of 1 ready.")

    assert shows(incident(crash, down)) is Shows.BY_SYMPTOM
    assert shows(incident(crash)) is Shows.ALONE
    assert shows(incident(down)) is Shows.AS_SYMPTOM


@pytest.mark.parametrize("how", list(Shows))
def test_what_ranking_holds_for_surer_is_never_less_sure(how):
    shares = [CURVE.share(ranked / 100, how) for ranked in range(101)]

    assert shares == sorted(shares)
    assert shares[0] >= 0
    assert shares[-1] < 1


@pytest.mark.parametrize("how", list(Shows))
def test_a_weak_lead_is_made_no_surer(how):
    assert all(CURVE.share(ranked, how) <= ranked for ranked in (0.05, 0.15, WEAK - 0.01))


def test_a_cause_is_told_as_surer_than_a_symptom_of_the_same_strength():
    crash = incident(CRASH.found(ref(CART), "It ends.", strength=0.9))
    down = incident(DOWN.found(ref(CART), "0 of 1 ready.", strength=0.9))

    assert calibrated(crash) > 0.8
    assert calibrated(down) < WEAK


def test_nothing_is_told_as_certain():
    proven = incident(CRASH.found(ref(CART), "x", strength=1.0), DOWN.found(ref(CART), "y"))

    assert proven.confidence == 1.0
    assert calibrated(proven) == 0.97
