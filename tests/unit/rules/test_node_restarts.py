"""What a restart of a node leaves behind: containers that nobody ended."""

from datetime import timedelta

import pytest

from kfi.diagnosis.rules import crash, node_restarts
from tests.cluster import NOW, codes, event, obj, snapshot

MINUTES = timedelta(minutes=1)


def lost(ago: timedelta = 3 * MINUTES, code: int = 255, reason: str = "Unknown"):
    return {"terminated": {"reason": reason, "exitCode": code, "finishedAt": f"{NOW - ago:%Y-%m-%dT%H:%M:%SZ}"}}


def pod(name: str, last, node: str = "node-a", up: timedelta = 2 * MINUTES, ready: bool = True):
    running = {"running": {"startedAt": f"{NOW - up:%Y-%m-%dT%H:%M:%SZ}"}}
    status = {"name": "app", "ready": ready, "restartCount": 1, "state": running, "lastState": last}
    spec = {"containers": [{"name": "app", "image": "registry/app:1"}]} | ({"nodeName": node} if node else {})
    return obj(f"Pod/orchard/{name}", spec=spec, status={"phase": "Running", "containerStatuses": [status]})


def findings(*documents):
    return list(node_restarts.check(snapshot(*documents)))


def test_containers_that_a_runtime_did_not_find_again_tell_of_one_restart_and_of_no_crash():
    pods = (pod("cart-0", lost()), pod("mailer-0", lost(3.5 * MINUTES), ready=False))

    (found,) = findings(*pods)

    assert (str(found.ref), found.since) == ("Node/node-a", NOW - 3.5 * MINUTES)
    assert {ref.name for ref in found.affects} == {"cart-0", "mailer-0"}
    assert "2 containers of 2 Pods" in found.message
    assert all('"Unknown"' in line.text and "255" in line.text for line in found.evidence)
    assert codes(crash, *pods) == []


def test_the_kubelets_own_word_is_cited_and_makes_one_container_enough():
    alone = findings(pod("cart-0", lost()))[0]
    told = findings(pod("cart-0", lost()), event("Node/node-a", "Rebooted", "Node node-a has been rebooted"))[0]

    assert told.strength > alone.strength
    assert "rebooted" in told.evidence[0].text


@pytest.mark.parametrize(
    "last",
    [lost(reason="Error"), lost(code=137), lost(code=0, reason="Completed"), {}],
    ids=["-1 of the program's own", "killed", "done", "first run"],
)
def test_what_ended_otherwise_is_no_restart(last):
    assert findings(pod("cart-0", last), pod("mailer-0", last)) == []


def test_an_older_restart_is_not_mixed_with_the_last_one():
    (found,) = findings(pod("cart-0", lost()), pod("mailer-0", lost(60 * MINUTES)))

    assert [ref.name for ref in found.affects] == ["cart-0"]


def test_what_all_have_got_over_is_past():
    assert findings(pod("cart-0", lost(90 * MINUTES), up=89 * MINUTES)) == []


def test_where_the_node_is_not_known_it_is_a_crash_as_before():
    nowhere = pod("cart-0", lost(), node="")

    assert findings(nowhere) == []
    assert codes(crash, nowhere) == [("container-crash", "Pod/orchard/cart-0")]
