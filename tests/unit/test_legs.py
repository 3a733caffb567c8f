"""The legs: one call for all sub-queries, filters relaxed in order, and notes where a leg cannot work."""

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np

from kfi.embeddings.embedding_service import EmbeddingService
from kfi.embeddings.vector_cache import VectorCache
from kfi.errors import ServiceError
from kfi.models.schemas import Document, QueryMetadata, QueryPlan
from kfi.retrieval.fusion import Found, Ranked
from kfi.retrieval.legs import idle, legs_over
from kfi.retrieval.narrowing import Search, narrow
from kfi.retrieval.scope import Scope
from kfi.vectorstore.filters import Condition, matches
from kfi.vectorstore.index import Match, Vectors
from tests.cluster import event, obj, ref, snapshot

DIMENSION = 64


def words_in(text: str) -> set[str]:
    return {word.strip(".?!,").lower() for word in text.split()}


class WordEmbedder:
    """Gives texts with the same words near vectors; records what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        self.asked.append(tuple(texts))
        return np.stack([self.vector(text) for text in texts])

    def vector(self, text: str) -> Vectors:
        made = np.zeros(DIMENSION, dtype=np.float32)
        for word in words_in(text):
            made[int.from_bytes(hashlib.sha256(word.encode()).digest()[:2], "big") % DIMENSION] += 1
        return made / max(float(np.linalg.norm(made)), 1e-9)


class WordIndex:
    """Ranks documents by the words they share with a query; records what it was asked."""

    def __init__(self, *documents: Document, missing: tuple[str, ...] = (), fails: bool = False) -> None:
        self.documents, self.missing, self.fails = documents, missing, fails
        self.asked: list[tuple[str, int, Condition | None, int]] = []

    def dense(self, vectors: Vectors, where: Condition | None, limit: int) -> list[list[Match]]:
        self._note("dense", len(vectors), where, limit)
        cards = {one.id: WordEmbedder().vector(one.text) for one in self._passing(where)}
        return [self._best({id_: float(card @ vector) for id_, card in cards.items()}, limit) for vector in vectors]

    def lexical(self, texts: Sequence[str], where: Condition | None, limit: int) -> list[list[Match]]:
        self._note("lexical", len(texts), where, limit)
        held = {one.id: words_in(one.text) for one in self._passing(where) if not self.missing}
        return [
            self._best({id_: float(len(words & words_in(text))) for id_, words in held.items()}, limit)
            for text in texts
        ]

    def _note(self, leg: str, texts: int, where: Condition | None, limit: int) -> None:
        self.asked.append((leg, texts, where, limit))
        if self.fails:
            raise ServiceError("Milvus at 'x' did not answer.", hint="Start it.")

    def _passing(self, where: Condition | None) -> list[Document]:
        return [one for one in self.documents if where is None or matches(where, one)]

    def _best(self, scores: dict[str, float], limit: int) -> list[Match]:
        found = [Match(id_, score) for id_, score in scores.items() if score > 0]
        return sorted(found, key=lambda match: (-match.score, match.document_id))[:limit]


CART = event("Pod/orchard/cart-0", "BackOff", "restarting container")
DNS = event("Pod/orchard/dns-0", "Unhealthy", "probe timeout")
BANK = event("Pod/bank/ledger-0", "FailedMount", "volume missing")
DOCUMENTS = (CART, DNS, BANK)


def search(
    *parts: str, pointed: str = "", documents: tuple[Document, ...] = DOCUMENTS, ids: frozenset[str] | None = None,
    **metadata: object,
) -> Search:  # fmt: skip
    plan = QueryPlan(question=" and ".join(parts), sub_queries=parts, metadata=QueryMetadata(**metadata))
    at = (ref(pointed),) if pointed else ()
    return narrow(Scope(plan=plan, snapshot=snapshot(documents), pointed=at, document_ids=ids))


def ids_in(ranked: Ranked) -> list[list[str]]:
    return [[one.document_id for one in part] for part in ranked.found]


def test_each_leg_asks_for_all_sub_queries_in_one_call():
    index, embedder = WordIndex(*DOCUMENTS), WordEmbedder()
    legs, asked = legs_over(index, embedder, 40), search("Which probe?", "Which volume?")

    dense, lexical = legs.dense(asked), legs.lexical(asked)

    assert embedder.asked == [("Which probe?", "Which volume?")]
    assert index.asked == [("dense", 2, None, 40), ("lexical", 2, None, 40)]
    assert ids_in(dense) == ids_in(lexical) == [[DNS.id], [BANK.id]]
    assert lexical == Ranked(((Found(DNS.id, 1.0),), (Found(BANK.id, 1.0),)))


def test_no_more_than_the_candidates_come_back():
    flood = tuple(event(f"Pod/orchard/cart-{number}", "BackOff", "restarting") for number in range(30))
    legs = legs_over(WordIndex(*flood), WordEmbedder(), 5)

    asked = search("restarting", documents=flood)

    assert [len(leg(asked).found[0]) for leg in (legs.dense, legs.lexical, legs.triage)] == [5, 5, 5]


def test_older_states_are_no_hits_and_do_not_take_the_place_of_current_ones():
    states = tuple(event("Pod/orchard/cart-0", "BackOff", f"restarting {n}", count=n + 1) for n in range(8))
    current = states[-1]
    legs = legs_over(WordIndex(*states), WordEmbedder(), 2)

    asked = search("restarting", documents=(current,), ids=frozenset({current.id}))

    assert ids_in(legs.dense(asked)) == ids_in(legs.lexical(asked)) == [[current.id]]


def test_an_object_with_a_thousand_older_states_hides_neither_its_newest_nor_others():
    states = tuple(event("Pod/orchard/cart-0", "BackOff", "restarting", count=n + 1) for n in range(1000))
    current, other = states[-1], event("Pod/orchard/web-0", "Unhealthy", "restarting after a probe")
    legs = legs_over(WordIndex(*states, other), WordEmbedder(), 2)

    asked = search("restarting", documents=(current, other), ids=frozenset({current.id, other.id}))

    assert {*ids_in(legs.dense(asked))[0]} == {*ids_in(legs.lexical(asked))[0]} == {current.id, other.id}


def test_words_that_only_ask_are_not_searched():
    chatty = event("Pod/orchard/cart-0", "Chat", "why is the")
    legs = legs_over(WordIndex(chatty, DNS), None, 40)
    documents = (chatty, DNS)

    assert ids_in(legs.lexical(search("Why is the probe so slow?", documents=documents))) == [[DNS.id]]
    assert ids_in(legs.lexical(search("Why is that?", documents=documents))) == [[]]


def test_a_part_that_only_asks_on_is_not_searched_beside_one_that_says_what_about():
    asked = search("Why does the probe fail?", "What is the root cause in namespace orchard?", namespace="orchard")

    assert asked.parts == ("Why does the probe fail?",)


class Wide:
    """A model of three numbers of which the index holds one."""

    name = "wide"

    def load(self) -> None:
        pass

    def encode(self, texts: Sequence[str], is_query: bool) -> Vectors:
        rows = {"near": [1.0, 0.0, 1.0], "far": [1.0, 1.0, 0.0], "unseen": [1.0, 0.0, 0.0]}
        return np.array([rows.get(text.split()[-1], [1.0, 0.0, 1.0]) for text in texts], dtype=np.float32)


class Narrow(WordIndex):
    """Gives all documents in their order, as an index of one number must that is the same for all."""

    def dense(self, vectors: Vectors, where: Condition | None, limit: int) -> list[list[Match]]:
        self._note("dense", len(vectors), where, limit)
        return [[Match(one.id, 1.0) for one in self.documents[:limit]] for _ in vectors]


class Held:
    """Gives documents by id."""

    def __init__(self, *documents: Document) -> None:
        self.documents = {one.id: one for one in documents}

    def by_ids(self, ids: Iterable[str]) -> dict[str, Document]:
        return {id_: self.documents[id_] for id_ in ids if id_ in self.documents}


def carded(name: str, card: str) -> Document:
    return event(f"Pod/orchard/{name}", "Odd", card).model_copy(update={"card": card})


def test_what_an_index_of_fewer_numbers_finds_is_ordered_by_the_whole_vectors():
    far, unseen, near = carded("a", "is far"), carded("b", "is unseen"), carded("c", "is near")
    service = EmbeddingService(Wide(), dimension=1, cache=VectorCache())
    service.embed_documents([far.card, near.card])
    documents = (far, unseen, near)
    index = Narrow(*documents)

    found = legs_over(index, service, 3, Held(*documents)).dense(search("what is odd", documents=documents))
    as_indexed = legs_over(index, service, 3).dense(search("what is odd", documents=documents))

    assert ids_in(found) == [[near.id, far.id, unseen.id]]
    assert round(found.found[0][0].score, 2) == 1.0
    assert ids_in(as_indexed) == [[far.id, unseen.id, near.id]]
    assert [limit for _, _, _, limit in index.asked] == [100, 3]


def test_an_index_that_holds_all_numbers_is_asked_for_no_more_than_the_candidates():
    document = carded("a", "is near")
    index = Narrow(document)
    service = EmbeddingService(Wide(), dimension=3, cache=VectorCache())

    legs_over(index, service, 2, Held(document)).dense(search("what is odd", documents=(document,)))

    assert [limit for _, _, _, limit in index.asked] == [2]


def test_a_filter_that_leaves_nothing_is_relaxed_without_embedding_again_and_said():
    index, embedder = WordIndex(DNS, BANK), WordEmbedder()
    legs = legs_over(index, embedder, 40)
    pod = {"pod": "cart-0", "kind": "Pod", "name": "cart-0", "namespace": "orchard"}

    asked = search("Why is pod cart-0 slow, a probe timeout?", pointed="Pod/orchard/cart-0", **pod)
    dense, lexical = legs.dense(asked), legs.lexical(asked)

    assert len(embedder.asked) == 1
    assert [where for _, _, where, _ in index.asked] == [level.condition for level in asked.levels[:2]] * 2
    assert ids_in(dense) == ids_in(lexical) == [[DNS.id]]
    assert {dense.relaxed, lexical.relaxed} == {"Nothing matched Pod 'cart-0'; searched all of namespace 'orchard'."}


def test_a_filter_is_kept_where_it_leaves_something_for_one_sub_query():
    index = WordIndex(*DOCUMENTS)

    found = legs_over(index, None, 40).lexical(search("Which probe?", "Which volume?", namespace="orchard"))

    assert (ids_in(found), found.notes, len(index.asked)) == ([[DNS.id], []], (), 1)


def test_where_nothing_matches_anywhere_no_filter_is_blamed():
    found = legs_over(WordIndex(*DOCUMENTS), None, 40).lexical(search("zebra", namespace="orchard"))

    assert found == Ranked(((),))


def test_an_index_that_fails_is_a_note_and_triage_still_answers():
    legs = legs_over(WordIndex(fails=True), WordEmbedder(), 40)
    asked = search("Which probe?")

    assert legs.dense(asked) == Ranked(((),), ("Not searched by meaning: Milvus at 'x' did not answer. Start it.",))
    assert legs.lexical(asked) == Ranked(((),), ("Not searched by words: Milvus at 'x' did not answer. Start it.",))
    assert set(ids_in(legs.triage(asked))[0]) == {CART.id, DNS.id, BANK.id}


def test_without_an_embedder_only_words_are_searched():
    legs = legs_over(WordIndex(*DOCUMENTS), None, 40)
    asked = search("Which probe?")

    assert legs.dense(asked) == Ranked(((),), ("Not searched by meaning: there is no embedding model.",))
    assert ids_in(legs.lexical(asked)) == [[DNS.id]]


def test_without_an_index_both_searches_say_so():
    legs = legs_over(None, WordEmbedder(), 40)
    asked = search("Which probe?", "Which volume?")

    assert legs.dense(asked) == Ranked(((), ()), ("Not searched by meaning: there is no index.",))
    assert legs.lexical(asked) == Ranked(((), ()), ("Not searched by words: there is no index.",))


def test_an_index_without_bm25_says_what_it_misses():
    missing = ("Milvus 2.3 has no BM25, so words are not searched.",)

    assert legs_over(WordIndex(*DOCUMENTS, missing=missing), None, 40).lexical(search("probe")) == Ranked(
        ((),), missing
    )


def test_an_empty_question_asks_the_index_nothing_and_still_gets_triage():
    index, embedder = WordIndex(*DOCUMENTS), WordEmbedder()
    legs, asked = legs_over(index, embedder, 40), search()

    found = (legs.dense(asked), legs.lexical(asked))

    assert found == (Ranked(((),)), Ranked(((),)))
    assert (index.asked, embedder.asked) == ([], [])
    assert len(legs.triage(asked).found[0]) == 3


def test_an_idle_leg_finds_nothing_for_each_sub_query():
    assert idle(search("one?", "two?", documents=(obj("Node/node-a"),))) == Ranked(((), ()))
