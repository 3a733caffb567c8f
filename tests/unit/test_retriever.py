"""The whole way from a scope to hits: three searches at once, each sub-query's own best, and never traced."""

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterable, Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.runnables import RunnableLambda

from kfi.errors import ServiceError
from kfi.models.answer import Leg, LegRank
from kfi.models.schemas import Citation, Document, Finding, QueryMetadata, QueryPlan, Severity
from kfi.retrieval.fusion import Found, Ranked
from kfi.retrieval.legs import Legs, idle, legs_over
from kfi.retrieval.narrowing import Search
from kfi.retrieval.reranker import Candidate, RerankerService
from kfi.retrieval.retriever import EnhancedRetriever, retrieval_chain
from kfi.retrieval.scope import Scope
from kfi.vectorstore.filters import Condition
from kfi.vectorstore.index import IndexRow, Match, Vectors
from kfi.vectorstore.memory_index import MemoryIndex
from tests.cluster import event, log, obj, ref, snapshot
from tests.waiting import PATIENCE_S

DIMENSION = 256


class WordEmbedder:
    """Gives texts with the same words near vectors."""

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        return np.stack([self.vector(text) for text in texts])

    def vector(self, text: str) -> Vectors:
        made = np.full(DIMENSION, 1e-3, dtype=np.float32)
        for word in text.lower().replace("?", "").split():
            made[int.from_bytes(hashlib.sha256(word.encode()).digest()[:2], "big") % DIMENSION] += 1
        return made / np.linalg.norm(made)


class SharedWords:
    """Scores by words shared with the query; records what it was given."""

    name = "shared words"

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []

    def scores(self, query: str, candidates: Sequence[Candidate]) -> list[float]:
        self.asked.append((query, len(candidates)))
        wanted = set(query.lower().replace("?", "").split())
        return [float(len(wanted & set(one.text.lower().split()))) for one in candidates]

    def warm_up(self) -> None:
        pass


class Shelf:
    """Gives documents by id; records what it was asked."""

    def __init__(self, *documents: Document) -> None:
        self.held = {one.id: one for one in documents}
        self.asked: list[frozenset[str]] = []

    def by_ids(self, ids: Iterable[str]) -> dict[str, Document]:
        wanted = tuple(ids)
        self.asked.append(frozenset(wanted))
        return {id_: self.held[id_] for id_ in wanted if id_ in self.held}


class Watched:
    """A memory index that records what it was asked."""

    def __init__(self, *documents: Document) -> None:
        self._index = MemoryIndex(DIMENSION)
        self._index.upsert([IndexRow(one, WordEmbedder().vector(one.text)) for one in documents])
        self.missing = self._index.missing
        self.asked: list[tuple[str, int]] = []

    def dense(self, vectors: Vectors, where: Condition | None, limit: int) -> list[list[Match]]:
        self.asked.append(("dense", len(vectors)))
        return self._index.dense(vectors, where, limit)

    def lexical(self, texts: Sequence[str], where: Condition | None, limit: int) -> list[list[Match]]:
        self.asked.append(("lexical", len(texts)))
        return self._index.lexical(texts, where, limit)


class Broken(Watched):
    """An index whose vectors cannot be searched."""

    def dense(self, vectors: Vectors, where: Condition | None, limit: int) -> list[list[Match]]:
        raise ServiceError("Milvus did not answer.", hint="Start it.")


def scope(*parts: str, documents: Sequence[Document], pointed: tuple[str, ...] = (), top_k: int = 4, **more) -> Scope:
    findings, ids = more.pop("findings", ()), more.pop("document_ids", None)
    plan = QueryPlan(question=" and ".join(parts), sub_queries=parts, metadata=QueryMetadata(**more))
    return Scope(plan, snapshot(documents), findings, tuple(ref(one) for one in pointed), ids, top_k)


def found_in(legs: Legs, asked: Scope, documents: Sequence[Document]):
    return retrieval_chain(legs, RerankerService(SharedWords()), Shelf(*documents)).invoke(asked)


def over(documents: Sequence[Document]) -> Legs:
    return legs_over(Watched(*documents), WordEmbedder(), 40)


def normal(about: str, words: str) -> Document:
    return event(about, "Note", words, type="Normal")


def giving(*ids: str) -> Legs:
    """Legs of which only one finds something: these documents, for a single sub-query."""
    ranked = Ranked((tuple(Found(id_, 1.0) for id_ in ids),))

    def dense(search: Search) -> Ranked:
        return ranked

    return Legs(dense, idle, idle)


def test_all_sub_queries_go_through_each_leg_and_the_documents_in_one_call():
    documents = (normal("Pod/orchard/cart-0", "probe timeout"), normal("Pod/orchard/dns-0", "volume missing"))
    index, shelf, scorer = Watched(*documents), Shelf(*documents), SharedWords()
    chain = retrieval_chain(legs_over(index, WordEmbedder(), 40), RerankerService(scorer), shelf)

    chain.invoke(scope("which probe?", "which volume?", documents=documents))

    assert sorted(index.asked) == [("dense", 2), ("lexical", 2)]
    assert shelf.asked == [{one.id for one in documents}]
    assert scorer.asked == [("which probe?", 2), ("which volume?", 2)]


def test_the_three_legs_search_at_the_same_time():
    together = threading.Barrier(3, timeout=PATIENCE_S)

    def waits_for_the_others(search: Search) -> Ranked:
        together.wait()
        return idle(search)

    documents = (obj("Node/node-a"),)
    legs = Legs(waits_for_the_others, waits_for_the_others, waits_for_the_others)

    assert found_in(legs, scope("What?", documents=documents), documents).hits == ()


def test_each_sub_query_keeps_its_own_best_and_they_take_turns():
    probes = [normal(f"Pod/orchard/cart-{n}", "the probe failed " + "probe " * n) for n in range(3)]
    volumes = [normal(f"Pod/orchard/dns-{n}", "the volume failed " + "volume " * n) for n in range(3)]
    documents = (*probes, *volumes)

    found = found_in(over(documents), scope("probe failed?", "volume failed?", documents=documents, top_k=2), documents)

    assert [hit.sub_query for hit in found.hits] == ["probe failed?", "volume failed?"] * 2
    assert [hit.document in probes for hit in found.hits] == [True, False, True, False]
    assert [hit.score for hit in found.hits] == [2.0, 2.0, 2.0, 2.0]


def test_lines_that_two_sub_queries_want_are_there_once():
    documents = (normal("Pod/orchard/cart-0", "probe timeout"),)

    found = found_in(over(documents), scope("which probe?", "which timeout?", documents=documents), documents)

    assert [(hit.document.id, hit.sub_query) for hit in found.hits] == [(documents[0].id, "which probe?")]


def test_a_hit_says_which_legs_found_it_and_where():
    documents = (event("Pod/orchard/cart-0", "BackOff", "restarting"), normal("Pod/orchard/dns-0", "restarting too"))

    found = found_in(over(documents), scope("restarting backoff?", documents=documents), documents)

    legs = {hit.document.id: {one.leg: one.rank for one in hit.legs} for hit in found.hits}
    assert legs == {
        documents[0].id: {Leg.DENSE: 1, Leg.LEXICAL: 1, Leg.TRIAGE: 1},
        documents[1].id: {Leg.DENSE: 2, Leg.LEXICAL: 2},
    }


def test_a_hit_is_the_lines_that_a_finding_cites_and_not_the_whole_document():
    node = obj("Node/node-a", status={"addresses": [{"address": f"10.0.0.{n}"} for n in range(40)]})
    lines = node.text.split("\n")
    cited = Citation(document_id=node.id, path="x", first_line=60, last_line=60, text=lines[59])
    findings = (Finding(code="disk-full", ref=ref("Node/node-a"), message="", evidence=(cited,)),)

    (hit,) = found_in(over(()), scope("Why?", documents=(node,), findings=findings), (node,)).hits

    assert hit.first_line <= 60 <= hit.last_line
    assert hit.text == "\n".join(lines[hit.first_line - 1 : hit.last_line])
    assert hit.last_line - hit.first_line < 5
    assert hit.legs == (LegRank(leg=Leg.TRIAGE, rank=1, score=1.0),)


def test_two_passages_of_one_document_are_two_hits():
    node = obj("Node/node-a", status={"addresses": [{"address": f"10.0.0.{n}"} for n in range(40)]})
    cited = (Citation(document_id=node.id, path="x", first_line=line, last_line=line, text="") for line in (20, 90))
    findings = (Finding(code="disk-full", ref=ref("Node/node-a"), message="", evidence=tuple(cited)),)

    hits = found_in(over(()), scope("Why?", documents=(node,), findings=findings), (node,)).hits

    assert [hit.first_line <= line <= hit.last_line for hit, line in zip(hits, (20, 90), strict=True)] == [True, True]


def test_a_namespace_filter_lets_the_document_of_a_node_through():
    node = event("Node/node-a", "Note", "disk pressure", type="Normal")
    ours, theirs = normal("Pod/orchard/cart-0", "disk full"), normal("Pod/bank/ledger-0", "disk full")
    documents = (node, ours, theirs)

    found = found_in(over(documents), scope("disk?", documents=documents, namespace="orchard"), documents)

    assert {str(hit.document.ref) for hit in found.hits} == {"Node/node-a", "Pod/orchard/cart-0"}


def test_a_pod_filter_lets_its_service_and_its_node_through():
    pod = obj(
        "Pod/orchard/cart-0",
        metadata={"labels": {"app": "cart"}},
        spec={"nodeName": "node-a", "containers": [{"name": "app"}]},
    )
    service = obj("Service/orchard/cart", spec={"selector": {"app": "cart"}})
    node, other, elsewhere = obj("Node/node-a"), obj("Pod/orchard/dns-0"), obj("Service/orchard/dns")
    documents = (pod, service, node, other, elsewhere)
    asked = scope(
        "why is pod cart-0 down?", documents=documents, pointed=("Pod/orchard/cart-0",), top_k=9,
        pod="cart-0", kind="Pod", name="cart-0",
    )  # fmt: skip

    found = found_in(over(documents), asked, documents)

    refs = {str(hit.document.ref) for hit in found.hits}
    assert refs == {"Pod/orchard/cart-0", "Service/orchard/cart", "Node/node-a"}


def test_what_was_relaxed_or_could_not_be_searched_is_said_once():
    documents = (normal("Pod/orchard/cart-0", "probe timeout"),)
    legs = legs_over(Broken(*documents), WordEmbedder(), 40)

    asked = scope("probe?", documents=documents, namespace="orchard", pod="cart-9", kind="Pod", name="cart-9")
    found = found_in(legs, asked, documents)

    assert [hit.document.id for hit in found.hits] == [documents[0].id]
    assert found.notes == (
        "Nothing matched Pod 'cart-9'; searched all of namespace 'orchard'.",
        "Not searched by meaning: Milvus did not answer. Start it.",
    )


def test_a_name_that_one_search_matched_is_not_said_to_match_nothing():
    documents = (normal("Pod/orchard/cart-0", "probe timeout"),)
    asked = scope("probe?", documents=documents)

    def finding(first: bool, second: bool) -> tuple[str, ...]:
        legs = [
            lambda _, kept=kept: Ranked(((Found(documents[0].id, 1.0),),), relaxed="" if kept else "let go")
            for kept in (first, second)
        ]
        return found_in(Legs(legs[0], legs[1], idle), asked, documents).notes

    assert finding(False, False) == ("let go",)
    assert finding(True, False) == finding(False, True) == finding(True, True) == ()


def test_older_states_are_no_hits():
    old, new = (normal("Pod/orchard/cart-0", f"probe timeout {n}") for n in (1, 2))

    asked = scope("probe?", documents=(new,), document_ids=frozenset({new.id}))
    found = found_in(over((old, new)), asked, (old, new))

    assert [hit.document.id for hit in found.hits] == [new.id]


def test_a_document_that_the_index_knows_and_the_ledger_does_not_is_no_hit():
    known, forgotten = (normal("Pod/orchard/cart-0", f"probe timeout {n}") for n in (1, 2))

    found = found_in(giving(forgotten.id, known.id), scope("probe?", documents=(known,)), (known,))

    assert [hit.document.id for hit in found.hits] == [known.id]


def test_no_more_than_the_candidates_are_reranked():
    documents = tuple(normal(f"Pod/orchard/cart-{n}", "probe timeout") for n in range(30))
    scorer = SharedWords()
    chain = retrieval_chain(giving(*(one.id for one in documents)), RerankerService(scorer), Shelf(*documents), 12)

    hits = chain.invoke(scope("probe?", documents=documents)).hits

    assert scorer.asked == [("probe?", 12)]
    assert [hit.alike for hit in hits] == [11]


def test_our_errors_pass_through_the_chain_unchanged():
    error = ServiceError("The ledger cannot be read.", hint="Free the disk.")

    class Unreadable:
        def by_ids(self, ids: Iterable[str]) -> dict[str, Document]:
            raise error

    def fails(search: Search) -> Ranked:
        raise error

    asked = scope("probe?", documents=())
    reranker = RerankerService(SharedWords())
    for chain in (
        retrieval_chain(giving("a"), reranker, Unreadable()),
        retrieval_chain(Legs(idle, fails, idle), reranker, Shelf()),
    ):
        with pytest.raises(ServiceError) as caught:
            chain.invoke(asked)
        assert caught.value is error


def test_the_retriever_gives_langchain_documents_for_a_plain_question():
    document = event("Pod/orchard/cart-0", "BackOff", "restarting", count=3).model_copy(
        update={"severity": Severity.WARNING}
    )
    chain = retrieval_chain(giving(document.id), RerankerService(SharedWords()), Shelf(document))
    asked: list[str] = []

    def scope_of(query: str) -> Scope:
        asked.append(query)
        return scope(query, documents=(document,))

    (found,) = EnhancedRetriever(chain, scope_of).invoke("why restarting?")

    assert (asked, found.page_content, found.id) == (["why restarting?"], document.text, document.id)
    assert found.metadata == {
        "id": document.id, "path": "events.txt", "first_line": 1, "last_line": 1,
        "cluster": "", "namespace": "orchard", "name": "cart-0", "container": "", "severity": "warning",
        "score": 1.0, "legs": {"dense": 1}, "sub_query": "why restarting?", "document_kind": "event",
        "kind": "Event", "reason": "BackOff", "event_type": "Warning",
        "involved_object_kind": "Pod", "involved_object_name": "cart-0",
        "first_timestamp": document.first_time, "last_timestamp": document.last_time, "count": 3,
    }  # fmt: skip


class Listener(BaseCallbackHandler):
    """Records what it is told."""

    def __init__(self) -> None:
        self.heard: list[object] = []

    def on_chain_start(self, serialized, inputs, **more) -> None:
        self.heard.append(inputs)


def test_a_listener_on_the_chain_around_it_hears_the_question_and_no_evidence():
    document, listener = log("Pod/orchard/cart-0", "token=abc"), Listener()
    chain = retrieval_chain(giving(document.id), RerankerService(SharedWords()), Shelf(document))
    retriever = EnhancedRetriever(chain, lambda query: scope(query, documents=(document,)))

    def count(found: list[object]) -> int:
        return len(found)

    found = (retriever | RunnableLambda(count)).invoke("why?", {"callbacks": [listener]})

    assert found == 1
    # The chain around, and the step behind it, which is not ours.
    assert [type(heard) for heard in listener.heard] == [str, list]


_TRACED = """
import json, socket, sys, threading
from tests.unit.test_retriever import RerankerService, SharedWords, Shelf, giving, log, retrieval_chain, scope
from langchain_core.runnables import RunnableLambda
from langchain_core.tracers.langchain import wait_for_all_tracers

document = log("Pod/orchard/cart-0", "out of disk")
chain = retrieval_chain(giving(document.id), RerankerService(SharedWords()), Shelf(document))
hits = chain.invoke(scope("disk?", documents=(document,))).hits
if sys.argv[1] == "control":
    RunnableLambda(len).invoke("disk?")
wait_for_all_tracers()
print(json.dumps([hit.text for hit in hits]))
"""


@pytest.mark.parametrize(
    ("mode", "variables", "calls"),
    [
        ("ours", {"LANGSMITH_TRACING": "true", "LANGCHAIN_TRACING_V2": "true"}, False),
        # Makes every chain that is not told otherwise raise a RuntimeError.
        ("ours", {"LANGCHAIN_TRACING": "true"}, False),
        # A chain of somebody else's in the same process: shows that the listener would hear ours.
        ("control", {"LANGSMITH_TRACING": "true"}, True),
    ],
)
def test_nothing_is_sent_to_a_tracing_server_whatever_the_environment_says(mode, variables, calls):
    heard = threading.Event()

    class Door(BaseHTTPRequestHandler):
        def answer(self) -> None:
            heard.set()
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(202)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        do_GET = do_POST = do_PATCH = answer

        def log_message(self, *said: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Door) as server:
        listening = threading.Thread(target=server.serve_forever)
        listening.start()
        endpoint = f"http://127.0.0.1:{server.server_address[1]}"
        environment = {
            **os.environ, **variables, "LANGSMITH_ENDPOINT": endpoint, "LANGSMITH_API_KEY": "none",
            "NO_PROXY": "127.0.0.1",
        }  # fmt: skip
        ran = subprocess.run(
            [sys.executable, "-c", _TRACED, mode], env=environment, cwd=Path(__file__).parents[2],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        server.shutdown()
        listening.join()

    assert (ran.returncode, ran.stdout) == (0, json.dumps(["out of disk"]) + "\n"), ran.stderr
    assert heard.is_set() is calls
