"""What a question means that follows another."""

import pytest

from kfi.conversation import Conversations
from kfi.models.schemas import DiagnoseRequest, FailureDiagnosis, ObjectRef, QueryMetadata, RootCause

CHECKOUT = ObjectRef(kind="Deployment", namespace="orchard", name="checkout")
MAILER = ObjectRef(kind="Deployment", namespace="orchard", name="mailer")
ELSEWHERE = ObjectRef(kind="Deployment", namespace="billing", name="invoices")
OBJECTS = (CHECKOUT, MAILER, ELSEWHERE)
CAUSE = RootCause(
    code="oom-killed",
    title="Killed for its memory limit",
    object=CHECKOUT,
    workload=CHECKOUT,
    confidence=0.9,
    explanation="It reached 64Mi.",
)


def answer(question, causes=(CAUSE,)):
    return FailureDiagnosis(
        question=question,
        summary="checkout was killed.",
        root_causes=causes,
        query_metadata=QueryMetadata(namespace="orchard"),
        notes=("last",),
    )


def joined(talks, question, conversation="new", **given):
    return talks.join(DiagnoseRequest(question=question, conversation=conversation, **given), lambda: OBJECTS)


def after(question, *, first="Why does checkout crash?"):
    """Give what a question means after another."""
    talks = Conversations()
    begun = joined(talks, first).kept(answer(first))
    return joined(talks, question, begun.conversation)


@pytest.mark.parametrize(
    ("question", "meant"),
    [
        ("and why?", "Why does deployment checkout fail?"),
        ("Why is that?", "Why does deployment checkout fail?"),
        ("since when?", "Since when does deployment checkout fail?"),
        ("show me its events", "show me the events of checkout"),
        ("what about mailer?", "What is wrong with mailer?"),
        ("And how about mailer?", "What is wrong with mailer?"),
        ("is it still failing?", "is deployment checkout still failing?"),
        ("how do I fix it?", "how do I fix deployment checkout?"),
        ("what changed before?", "what changed before (deployment checkout)?"),
    ],
)
def test_what_names_nothing_means_what_was_asked_about_before(question, meant):
    found = after(question)

    assert (found.request.question, found.request.namespace) == (meant, "orchard")


@pytest.mark.parametrize(
    "question",
    [
        "What else is broken?",
        "list all pods",
        "is the whole cluster fine?",
        "Which certificates will expire within a week?",
    ],
)
def test_what_speaks_for_itself_is_left_alone(question):
    assert after(question).request.question == question
    assert after(question).request.namespace == ""


def test_a_name_of_another_namespace_leaves_the_one_before():
    found = after("what about invoices?")

    assert (found.request.question, found.request.namespace) == ("What is wrong with invoices?", "")


def test_a_namespace_that_is_given_is_kept():
    assert after("why is mailer down in namespace billing?").request.namespace == "billing"


def test_without_an_object_in_the_question_its_first_cause_is_meant():
    assert after("and why?", first="What is wrong?").request.question == "Why does deployment checkout fail?"


def test_what_was_meant_is_said_and_the_answer_carries_the_id():
    talks = Conversations()
    begun = joined(talks, "Why does checkout crash?").kept(answer("Why does checkout crash?"))

    then = joined(talks, "and why?", begun.conversation)
    said = then.kept(answer(then.request.question))

    assert begun.notes == ("last",)
    assert said.conversation == begun.conversation
    assert said.notes == ("Taken as \"Why does deployment checkout fail?\", in namespace 'orchard'.", "last")
    assert then.earlier == ("Asked: Why does checkout crash? Answered: checkout was killed.",)


def test_a_question_without_a_conversation_means_what_it_says():
    talks = Conversations()
    request = DiagnoseRequest(question="and why?")

    found = talks.join(request, lambda: pytest.fail("nobody has to look"))

    assert found.request is request
    assert found.kept(answer("and why?")) == answer("and why?")


def test_an_unknown_id_begins_a_new_conversation_and_says_so():
    said = joined(Conversations(), "Why?", "made-up").kept(answer("Why?"))

    assert said.conversation not in ("made-up", "")
    assert said.notes[0] == "No conversation 'made-up' is known here (any more); this begins a new one."


def test_conversations_are_few_and_not_kept_for_long():
    now = [0.0]
    talks = Conversations(clock=lambda: now[0])
    first = joined(talks, "Why?").kept(answer("Why?")).conversation
    for _ in range(200):
        last = joined(talks, "Why?").kept(answer("Why?")).conversation

    assert joined(talks, "and why?", first).kept(answer("")).conversation != first
    assert joined(talks, "and why?", last).kept(answer("")).conversation == last
    now[0] = 4000.0
    assert joined(talks, "and why?", last).kept(answer("")).conversation != last


def test_a_conversation_keeps_its_last_turns_only():
    talks = Conversations()
    begun = joined(talks, "Why does checkout crash?").kept(answer("q" * 9000))
    for number in range(50):
        found = joined(talks, f"{number}?", begun.conversation)
        found.kept(answer(f"{number}?"))

    assert [turn.split(" ")[1] for turn in joined(talks, "x?", begun.conversation).earlier] == ["47?", "48?", "49?"]


@pytest.mark.parametrize("unit", ["and ", "its a ", "what about ", "it ", "this pod "])
def test_time_grows_with_the_length_and_no_faster(unit):
    after((unit * 8000)[:8000])
