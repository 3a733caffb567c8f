import asyncio
import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from kfi.api.admission import Admission
from kfi.api.guards import Guard
from kfi.api.readiness import Lookout, Readiness
from kfi.api.server import create_app, prefers_stream, serve
from kfi.api.streaming import AnswerStream
from kfi.config import Settings
from kfi.errors import AnswerError, ConfigError, KfiError, ServiceError, SourceError
from kfi.models.answer import Failed, Part
from kfi.models.schemas import DiagnoseRequest
from tests.api_copilot import ANALYSIS, DIAGNOSIS, EVENTS, READY, ScriptedCopilot
from tests.waiting import PATIENCE_S, wait_until

ROOT = Path(__file__).parents[2]
URL = "http://127.0.0.1:8484"
TOKEN = "orchard-is-green"
QUESTION = {"question": "why does cart crash?"}


def asked(copilot: ScriptedCopilot, method: str, path: str, *, token: str = "", **request) -> httpx.Response:
    """Send one request to an app that has started."""

    async def send() -> httpx.Response:
        app = create_app(copilot, Settings(api_token=token))
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url=URL) as client,
        ):
            while (await client.get("/readyz")).json().get("status") == "warming up":
                await asyncio.sleep(0.001)
            return await client.request(method, path, **request)

    return asyncio.run(send())


def diagnosed(body: object = QUESTION, copilot: ScriptedCopilot | None = None, **request) -> httpx.Response:
    return asked(copilot or ScriptedCopilot(), "POST", "/diagnose", json=body, **request)


def problem(response: httpx.Response) -> tuple[int, str, str]:
    """Give status, detail and hint of a problem, and see that it is a whole one."""
    body = response.json()
    assert response.headers["content-type"] == "application/problem+json"
    assert (body["type"], body["status"]) == ("about:blank", response.status_code)
    assert body["title"]
    return response.status_code, body["detail"], body["hint"]


def events(text: str) -> list[dict[str, str]]:
    """Read Server-Sent Events; comments fall away."""
    blocks = (block.split("\n") for block in text.split("\n\n"))
    read = [dict(line.split(": ", 1) for line in lines if not line.startswith(":") and line) for lines in blocks]
    return [block for block in read if block]


# Answers


def test_a_question_is_answered_with_one_json_document():
    copilot = ScriptedCopilot()

    response = diagnosed({"question": "why does cart crash?", "since": "1h", "limit": 3}, copilot)

    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    assert response.json() == DIAGNOSIS.model_dump(mode="json")
    assert copilot.asked == [DiagnoseRequest(question="why does cart crash?", since="1h", limit=3)]


def test_the_question_may_be_called_query():
    copilot = ScriptedCopilot()

    diagnosed({"query": "why does cart crash?"}, copilot)

    assert copilot.asked == [DiagnoseRequest(question="why does cart crash?")]


@pytest.mark.parametrize(
    "how", [{"headers": {"Accept": "text/event-stream"}}, {"params": {"stream": "true"}}], ids=["accept", "parameter"]
)
def test_every_event_of_an_answer_is_streamed_under_its_tag_and_number(how):
    response = diagnosed(**how)

    assert response.headers["content-type"].startswith("text/event-stream")
    assert (response.headers["cache-control"], response.headers["x-accel-buffering"]) == ("no-cache", "no")
    assert events(response.text) == [
        {"event": event.event, "data": event.model_dump_json(), "id": str(number)}
        for number, event in enumerate(EVENTS, 1)
    ]


@pytest.mark.parametrize(
    ("accept", "stream"),
    [
        ("", False),
        ("*/*", False),
        ("text/event-stream", True),
        ("Text/Event-Stream; q=0.9, */*; q=0.1", True),
        ("application/json, text/event-stream", False),
        ("application/json;q=0.5, text/event-stream", True),
        ("text/event-stream;q=0", False),
        ("text/event-stream;q=many", False),
    ],
)
def test_events_are_for_those_who_accept_them_rather_than_json(accept, stream):
    assert prefers_stream(accept) is stream


def test_a_parameter_beats_the_accept_header():
    response = diagnosed(headers={"Accept": "text/event-stream"}, params={"stream": "false"})

    assert response.headers["content-type"] == "application/json"


def test_a_silent_answer_is_kept_alive_by_comments():
    written: list[bytes] = []
    enough = threading.Event()

    async def send(message):
        written.append(message.get("body", b""))
        if written.count(b": ping\n\n") == 2:
            enough.set()

    async def stays():
        await asyncio.Event().wait()

    stream = AnswerStream(ScriptedCopilot((EVENTS[0], enough, EVENTS[-1])).answer(None), Admission(), 0.001)
    asyncio.run(stream({}, stays, send))

    assert [event["event"] for event in events(b"".join(written).decode())] == ["plan", "answer"]


def test_a_caller_who_never_reads_gives_its_turn_back():
    copilot = ScriptedCopilot()
    admission = Admission(running=1, waiting=0)

    async def send(_message):
        await asyncio.Event().wait()

    async def stays():
        await asyncio.Event().wait()

    async def next_one() -> bool:
        await AnswerStream(copilot.answer(None), admission, stalled_s=0.001)({}, stays, send)
        async with admission.turn():
            return copilot.closed.is_set()

    assert asyncio.run(next_one())


def test_a_question_is_analyzed_without_an_answer():
    copilot = ScriptedCopilot()

    response = asked(copilot, "POST", "/query-analysis", json={"query": "why does cart crash?"})

    assert response.json() == ANALYSIS.model_dump(mode="json")
    assert copilot.asked == ["why does cart crash?"]


# Problems


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (SourceError("cart.log cannot be read.", "Make it readable."), 422),
        (ServiceError("Milvus did not answer.", "Start it."), 503),
        (AnswerError("The model cited nothing.", "Ask again."), 502),
        (ConfigError("There is no model 'gpt-orchard'.", "Ask for simple or complex."), 400),
        (ConfigError("The store was made with another model.", "kfi reindex"), 500),
        (KfiError("Something else.", "Look."), 500),
    ],
)
@pytest.mark.parametrize("stream", ["false", "true"])
def test_what_fails_before_the_first_event_is_told_with_a_status_of_its_own(error, status, stream):
    body = {**QUESTION, "force_model": "gpt-orchard"}

    response = diagnosed(body, ScriptedCopilot((error,)), params={"stream": stream})

    assert problem(response) == (status, error.message, error.hint)
    assert response.headers.get("retry-after") == ("5" if status == 503 else None)


def test_a_model_with_an_empty_name_is_the_callers_mistake():
    refusing = ScriptedCopilot(script=(ConfigError("'' is not a model that can be asked for.", "Ask for 'simple'."),))

    response = diagnosed({**QUESTION, "force_model": ""}, refusing)

    assert problem(response) == (400, "'' is not a model that can be asked for.", "Ask for 'simple'.")


def test_what_fails_after_the_first_event_is_the_last_event():
    copilot = ScriptedCopilot((EVENTS[0], ServiceError("The ledger is gone.", "Bring it back.")))

    response = diagnosed(copilot=copilot, params={"stream": "true"})

    assert response.status_code == 200
    last = events(response.text)[-1]
    assert (last["event"], last["id"]) == ("error", "2")
    assert json.loads(last["data"]) == Failed(message="The ledger is gone.", hint="Bring it back.").model_dump()


def test_an_answer_that_failed_is_a_problem_where_one_document_was_asked_for():
    copilot = ScriptedCopilot((EVENTS[0], Failed(message="The ledger is gone.", hint="Bring it back.")))

    assert problem(diagnosed(copilot=copilot)) == (503, "The ledger is gone.", "Bring it back.")


@pytest.mark.parametrize("script", [(ValueError("/root/secret"),), ()], ids=["bug", "no event"])
@pytest.mark.parametrize("stream", ["false", "true"])
def test_a_bug_tells_nothing_of_the_inside(script, stream):
    response = diagnosed(copilot=ScriptedCopilot(script), params={"stream": stream})

    assert problem(response) == (500, "The server failed for a reason of its own.", "Its log says more.")


@pytest.mark.parametrize("rest", [(ValueError("/root/secret"),), ()], ids=["bug", "no answer"])
def test_a_bug_in_the_middle_of_a_stream_tells_nothing_of_the_inside(rest):
    response = diagnosed(copilot=ScriptedCopilot((EVENTS[0], *rest)), params={"stream": "true"})

    assert json.loads(events(response.text)[-1]["data"]) == {
        "event": "error",
        "message": "The server failed for a reason of its own.",
        "hint": "Its log says more.",
    }


DESCRIBED = "GET /openapi.json describes what this server takes."


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"limit": 500}, "The field 'limit' is wrong: input should be less than or equal to 100 (it is 500)."),
        ({"limit": None}, "The field 'limit' is wrong: input should be a valid integer (it is null)."),
        ({"qestion": "why?"}, "There is no field 'qestion'."),
        ({"since": "soon"}, "The field 'since' is wrong: 'soon' is not a length of time like 30m, 1h or 2d."),
        (
            {"namespace": {"a": [1]}},
            "The field 'namespace' is wrong: input should be a valid string (it is an object).",
        ),
        ({"\ud800": 1}, "There is no field '\\ud800'."),
        ([], "The body must be a JSON object, and is a list."),
    ],
)
def test_a_wrong_field_is_named_with_what_was_wrong(body, said):
    content = json.dumps(body)

    response = asked(
        ScriptedCopilot(), "POST", "/diagnose", content=content, headers={"Content-Type": "application/json"}
    )

    assert problem(response) == (422, said, DESCRIBED)


@pytest.mark.parametrize(
    "body", [{"question": "w" * 9000}, {"since": "9" * 9000}, {"w" * 9000: 1}, {"as_of": "w" * 9000}]
)
def test_a_problem_quotes_only_the_beginning_of_what_was_sent(body):
    status, said, _ = problem(diagnosed(body))

    assert status == 422
    assert len(said) <= 400
    assert said.count("w") + said.count("9") <= 250


def test_an_empty_question_has_no_analysis():
    status, said, _ = problem(asked(ScriptedCopilot(), "POST", "/query-analysis", json={}))

    assert (status, said) == (422, "The field 'question' is missing.")


@pytest.mark.parametrize(
    ("content", "status", "said"),
    [
        (b'{"question": ', 400, "The body is no JSON: expecting value at character 13."),
        (b'{"question": "\xff"}', 400, "The body cannot be read."),
        (b"[" * 60_000, 400, "The body cannot be read."),
        (b"9" * 60_000, 400, "The body cannot be read."),
        (b"", 422, "The body must be a JSON object, and is missing."),
        (b'{"question": "' + b"w" * 65536 + b'"}', 413, "The body is longer than 65536 bytes."),
    ],
    ids=["cut", "no UTF-8", "deep", "long number", "empty", "long"],
)
def test_a_body_that_is_no_json_is_refused(content, status, said):
    response = asked(
        ScriptedCopilot(), "POST", "/diagnose", content=content, headers={"Content-Type": "application/json"}
    )

    assert problem(response)[:2] == (status, said)


def test_a_body_without_a_length_is_read_only_as_far_as_a_question_goes():
    read = []

    async def endless():
        while True:
            read.append(1)
            yield b" " * 10_000

    response = asked(
        ScriptedCopilot(), "POST", "/diagnose", content=endless(), headers={"Content-Type": "application/json"}
    )

    assert problem(response)[0] == 413
    assert len(read) == 7


def test_a_body_that_never_ends_is_given_up():
    async def stuck():
        yield b"{"
        await asyncio.Event().wait()

    async def asking():
        guarded = Guard(create_app(ScriptedCopilot(), Settings()), body_s=0.05)
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(guarded), base_url="http://127.0.0.1", timeout=PATIENCE_S
        ) as client:
            headers = {"Content-Type": "application/json"}
            return await client.post("/query-analysis", content=stuck(), headers=headers)

    assert problem(asyncio.run(asking()))[:2] == (408, "The body did not arrive within 0.05 s.")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""])
def test_only_json_is_taken(kind):
    response = asked(ScriptedCopilot(), "POST", "/diagnose", content=b"{}", headers={"Content-Type": kind})

    assert problem(response)[0] == 415


@pytest.mark.parametrize("path", ["/nowhere", "/docs", "/redoc", "/diagnose/"])
def test_an_unknown_path_is_a_problem(path):
    assert problem(asked(ScriptedCopilot(), "GET", path)) == (404, f"There is nothing at '{path}'.", DESCRIBED)


def test_a_wrong_method_is_a_problem_that_names_the_right_one():
    response = asked(ScriptedCopilot(), "GET", "/diagnose")

    assert problem(response) == (405, "'GET' is not for '/diagnose'.", "Use POST.")
    assert response.headers["allow"] == "POST"


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
BODIES = st.one_of(
    st.binary(max_size=50),
    JSON_VALUES.map(json.dumps).map(str.encode),
    st.dictionaries(st.sampled_from(sorted({"query", *DiagnoseRequest.model_fields})), JSON_VALUES, max_size=4)
    .map(json.dumps)
    .map(str.encode),
)


@pytest.fixture(scope="module")
def anything():
    """Give a function that posts a body to one app, and the status it got."""
    app = create_app(ScriptedCopilot(), Settings())

    def post(path: str, body: bytes) -> httpx.Response:
        async def send() -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=URL) as client:
                return await client.post(path, content=body, headers={"Content-Type": "application/json"})

        return asyncio.run(send())

    return post


@examples(max_examples=150, deadline=None)
@given(body=BODIES, path=st.sampled_from(["/diagnose", "/query-analysis"]))
def test_no_body_makes_the_server_fail(anything, body, path):
    response = anything(path, body)

    assert response.status_code in {200, 400, 422}
    if response.status_code != 200:
        problem(response)


# Who may ask


@pytest.mark.parametrize("host", ["localhost", "LocalHost:8484", "127.0.0.1", "127.0.0.9:1", "[::1]", "[::1]:8484"])
def test_this_machine_may_ask(host):
    assert asked(ScriptedCopilot(), "GET", "/livez", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "orchard.example",
        "localhost.orchard.example",
        "127.0.0.1.orchard.example",
        "127.0.0.1@orchard.example",
        "::1",
        "",
    ],
)
@pytest.mark.parametrize("path", ["/livez", "/openapi.json", "/nowhere"])
def test_a_name_that_was_made_to_point_here_may_not(host, path):
    assert problem(asked(ScriptedCopilot(), "GET", path, headers={"Host": host}))[0] == 421


@pytest.mark.parametrize(
    "origin", ["http://orchard.example", "http://127.0.0.1:3000", "null", "", "http://[", "file://"]
)
@pytest.mark.parametrize("token", ["", TOKEN])
def test_a_page_of_another_origin_may_not(origin, token):
    copilot = ScriptedCopilot()
    headers = {"Origin": origin, "Authorization": f"Bearer {TOKEN}"}

    response = diagnosed(copilot=copilot, headers=headers, token=token)

    assert problem(response)[0] == 403
    assert "access-control-allow-origin" not in response.headers
    assert copilot.asked == []


@pytest.mark.parametrize(
    ("origin", "host"),
    [("http://127.0.0.1:8484", "127.0.0.1:8484"), ("http://localhost", "localhost:80")],
)
def test_a_page_of_the_server_itself_may(origin, host):
    assert asked(ScriptedCopilot(), "GET", "/livez", headers={"Origin": origin, "Host": host}).status_code == 200


@pytest.mark.parametrize(
    ("path", "sent", "status"),
    [
        ("/version", f"Bearer {TOKEN}", 200),
        ("/version", f"bearer  {TOKEN}", 200),
        ("/version", "", 401),
        ("/version", f"Bearer {TOKEN}!", 401),
        ("/version", "Bearer", 401),
        ("/version", "Bearer \xfc", 401),
        ("/version", f"Basic {TOKEN}", 401),
        ("/openapi.json", "", 401),
        ("/nowhere", "", 401),
        ("/livez", "", 200),
        ("/readyz", "", 200),
        ("/readyz?verbose", "", 401),
        ("/readyz?verb%6fse", "", 401),
        ("/readyz?verbose", f"Bearer {TOKEN}", 200),
    ],
)
def test_a_token_is_asked_of_everybody_but_probes(path, sent, status):
    headers = {"Authorization": sent.encode("latin-1"), "Host": "kfi.orchard.example"}

    response = asked(ScriptedCopilot(), "GET", path, token=TOKEN, headers=headers)

    assert response.status_code == status
    assert ("www-authenticate" in response.headers) is (status == 401)


# How many may ask


def test_some_questions_are_answered_some_wait_and_the_rest_are_told_to_come_back():
    go_on = threading.Event()
    copilot = ScriptedCopilot((EVENTS[0], go_on, EVENTS[-1]))

    async def ask_often():
        app = create_app(copilot, Settings(), Admission(running=2, waiting=3))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=URL) as client:
            asking = [asyncio.create_task(client.post("/diagnose", json=QUESTION)) for _ in range(7)]
            refused, waiting = await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
            while len(refused) < 2:
                more, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                refused |= more
            running = copilot.running
            go_on.set()
            return running, [task.result() for task in refused], await asyncio.gather(*waiting)

    running, refused, answered = asyncio.run(ask_often())

    assert running == 2
    assert [response.status_code for response in answered] == [200] * 5
    assert {problem(response) for response in refused} == {
        (503, "The server is busy: 3 questions wait already.", "Ask again in some seconds.")
    }
    assert {response.headers["retry-after"] for response in refused} == {"5"}


# Probes


def test_a_server_whose_parts_are_ready_says_so():
    response = asked(ScriptedCopilot(), "GET", "/readyz")

    assert (response.status_code, response.json()) == (
        200,
        {"api_version": "kfi/v1", "kind": "Readiness", "ready": True, "status": "ready", "parts": []},
    )


MODEL_AWAY = Part(name="Ollama", ready=False, detail="no answer at 127.0.0.1:11434", needed=False, mend="ollama serve")
STORE_AWAY = Part(name="store", ready=False, detail="/var/lib/kfi cannot be read", mend="chmod u+rx /var/lib/kfi")


@pytest.mark.parametrize(("parts", "status"), [((READY, MODEL_AWAY), 200), ((STORE_AWAY, MODEL_AWAY), 503)])
def test_a_server_is_ready_unless_a_needed_part_is_not(parts, status):
    short = asked(ScriptedCopilot(parts=parts), "GET", "/readyz")
    whole = asked(ScriptedCopilot(parts=parts), "GET", "/readyz?verbose")

    assert (short.status_code, whole.status_code) == (status, status)
    assert [part["name"] for part in short.json()["parts"]] == [part.name for part in parts if not part.ready]
    assert "/var/lib/kfi" not in short.text
    assert whole.json()["parts"] == [part.model_dump() for part in parts]


def test_parts_that_cannot_be_asked_are_not_ready():
    response = asked(ScriptedCopilot(parts=ServiceError("The ledger is locked.")), "GET", "/readyz?verbose")

    assert response.status_code == 503
    assert response.json()["parts"][0]["detail"] == "The ledger is locked."


def test_parts_that_do_not_answer_are_not_ready_and_are_asked_once():
    go_on = threading.Event()
    copilot = ScriptedCopilot(parts=go_on)

    async def report_twice():
        lookout = Lookout(copilot, patience_s=0.01)
        hung = [await lookout.report(verbose=True) for _ in range(2)]
        go_on.set()
        return hung

    first, second = asyncio.run(report_twice())

    said = Part(name="parts", ready=False, detail="did not answer within 0.01 s")
    assert first == second == Readiness(ready=False, status="not ready", parts=(said,))
    assert copilot.probed == 1


def test_a_warm_up_that_failed_is_told_and_does_not_stop_answers():
    def fail() -> None:
        raise ServiceError("The weights cannot be read.", hint="kfi models pull")

    response = asked(ScriptedCopilot(warm_up=fail), "GET", "/readyz?verbose")

    assert (response.status_code, response.json()["status"]) == (200, "ready")
    cold = Part(name="warm-up", ready=False, detail="The weights cannot be read.", needed=False, mend="kfi models pull")
    assert response.json()["parts"] == [READY.model_dump(), cold.model_dump()]


def test_a_server_lives_while_it_warms_up_but_is_not_ready():
    warm = threading.Event()

    async def probe():
        app = create_app(ScriptedCopilot(warm_up=warm.wait), Settings())
        transport = httpx.ASGITransport(app=app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url=URL) as client,
        ):
            alive, ready = await client.get("/livez"), await client.get("/readyz")
            warm.set()
            return alive, ready

    alive, ready = asyncio.run(probe())

    assert (alive.status_code, alive.json()) == (200, {"status": "alive"})
    assert (ready.status_code, ready.json()["status"]) == (503, "warming up")


# The OpenAPI document


def test_the_document_describes_every_path_with_its_forms_and_problems():
    document = asked(ScriptedCopilot(), "GET", "/openapi.json").json()

    described = {
        path: {
            method: {status: sorted(told["content"]) for status, told in operation["responses"].items()}
            for method, operation in operations.items()
        }
        for path, operations in document["paths"].items()
    }
    as_json, as_problem = ["application/json"], ["application/problem+json"]
    refusals = dict.fromkeys(["400", "401", "403", "408", "413", "415", "421", "422", "500", "503"], as_problem)
    assert described == {
        "/diagnose": {
            "post": {"200": ["application/json", "text/event-stream"], **refusals, "502": as_problem},
        },
        "/query-analysis": {"post": {"200": as_json, **refusals}},
        "/livez": {"get": {"200": as_json, "421": as_problem}},
        "/readyz": {"get": {"200": as_json, **dict.fromkeys(["401", "421", "422"], as_problem), "503": as_json}},
        "/version": {"get": {"200": as_json, "401": as_problem, "421": as_problem}},
    }


def test_every_schema_that_the_document_names_is_in_it():
    text = asked(ScriptedCopilot(), "GET", "/openapi.json").text
    schemas = json.loads(text)["components"]["schemas"]

    named = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}

    assert named == set(schemas)
    assert {"DiagnoseRequest", "FailureDiagnosis", "AnswerEvent", "Problem", "QueryAnalysis", "Readiness"} <= set(
        schemas
    )


def test_the_examples_of_the_document_are_taken():
    paths = asked(ScriptedCopilot(), "GET", "/openapi.json").json()["paths"]
    bodies = [
        (path, example["value"])
        for path in ("/diagnose", "/query-analysis")
        for example in paths[path]["post"]["requestBody"]["content"]["application/json"]["examples"].values()
    ]

    statuses = [asked(ScriptedCopilot(), "POST", path, json=body).status_code for path, body in bodies]

    assert statuses == [200] * 4


# Over a socket


@contextmanager
def listening(copilot: ScriptedCopilot) -> Iterator[str]:
    """Serve on a free port of this machine, in a thread."""
    config = uvicorn.Config(create_app(copilot, Settings()), log_config=None, ws="none", timeout_graceful_shutdown=3)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as own:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [own]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{own.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def test_an_event_arrives_before_the_next_one_is_made():
    steps = [threading.Event() for _ in EVENTS]
    script = tuple(step for pair in zip(EVENTS, steps, strict=True) for step in pair)
    seen = []

    with (
        listening(ScriptedCopilot(script)) as url,
        httpx.stream("POST", f"{url}/diagnose?stream=true", json=QUESTION, timeout=PATIENCE_S) as response,
    ):
        for line in response.iter_lines():
            if line.startswith("event: "):
                # The double goes on only now.
                steps[len(seen)].set()
                seen.append(line.removeprefix("event: "))

    assert seen == ["plan", "evidence", "model", "reasoning", "token", "answer"]


@pytest.mark.parametrize("stream", ["true", "false"])
def test_a_caller_who_leaves_ends_the_answer(stream):
    copilot = ScriptedCopilot((EVENTS[0], threading.Event()))
    body = json.dumps(QUESTION).encode()
    head = f"POST /diagnose?stream={stream} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"

    with listening(copilot) as url:
        with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) as caller:
            caller.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            wait_until(lambda: copilot.running)

        assert copilot.closed.wait(PATIENCE_S)
        # The server itself is well.
        assert httpx.get(f"{url}/livez", timeout=PATIENCE_S).status_code == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_open_streams_with_a_word_and_lets_the_owner_close(number):
    command = [sys.executable, "-W", "error", "-m", "tests.api_copilot"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        url = server.stdout.readline().strip()
        with httpx.stream("POST", f"{url}/diagnose?stream=true", json=QUESTION, timeout=PATIENCE_S) as response:
            lines = response.iter_lines()
            assert next(lines) == "event: plan"
            server.send_signal(number)
            rest = events("\n".join(lines))
        said, problems = server.communicate(timeout=PATIENCE_S)

    assert rest[-1]["event"] == "error"
    assert json.loads(rest[-1]["data"])["message"] == "The server stops before the answer is whole."
    assert (server.returncode, said, problems) == (0, "closed\n", "")


# Where it listens


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "orchard.example"])
def test_nobody_else_is_let_in_without_a_token(host):
    with pytest.raises(ConfigError, match="no token is set") as refused:
        serve(ScriptedCopilot(), Settings(host=host, port=0))

    assert "KFI_API_TOKEN" in refused.value.hint


def test_an_address_of_another_machine_is_a_wrong_setting():
    with pytest.raises(ConfigError, match=r"'192\.0\.2\.1' is no address of this machine"):
        serve(ScriptedCopilot(), Settings(host="192.0.2.1", port=0, api_token=TOKEN))


def test_a_port_that_is_taken_is_named():
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        with pytest.raises(ServiceError, match=f"Port {port} of '127.0.0.1' is taken") as busy:
            serve(ScriptedCopilot(), Settings(port=port))

    assert "--port" in busy.value.hint
    assert "KFI_PORT" in busy.value.hint
