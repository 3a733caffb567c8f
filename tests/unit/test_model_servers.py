"""Which models can be asked, and why none can."""

import pytest

from kfi.chains.servers import Installed, Server, installed_models, same_model, server_of
from kfi.config import Settings
from kfi.errors import ConfigError
from tests.ollama_standin import Fault, OllamaStandIn, refused_url
from tests.waiting import PATIENCE_S


@pytest.fixture(autouse=True)
def _patience(monkeypatch):
    monkeypatch.setattr("kfi.chains.servers._TIMEOUT_S", PATIENCE_S)


def settings(url):
    return Settings(ollama_url=url)


def test_models_are_listed_by_their_names_and_without_the_tag_that_may_be_left_out():
    with OllamaStandIn(models=("llama3.1:latest", "deepseek-r1:32b")) as server:
        installed = installed_models(settings(server.url + "/"))

    assert installed == Installed(frozenset({"llama3.1:latest", "llama3.1", "deepseek-r1:32b"}))
    assert [(request.method, request.path) for request in server.requests] == [("GET", "/api/tags")]


def test_without_an_address_nothing_is_asked():
    assert installed_models(settings(" ")) == Installed(
        frozenset(), "No model server is set. Set KFI_OLLAMA_URL or KFI_LLM_URL to ask models."
    )


def test_a_server_that_is_off_is_said_with_the_command_that_starts_it():
    url = refused_url()

    assert installed_models(settings(url)) == Installed(
        frozenset(), f"Ollama at {url!r} does not answer. Start it with 'ollama serve'."
    )


def test_a_server_that_says_nothing_is_not_waited_for(monkeypatch):
    monkeypatch.setattr("kfi.chains.servers._TIMEOUT_S", 0.5)
    with OllamaStandIn(listing=Fault.SILENT) as server:
        installed = installed_models(settings(server.url))

    assert installed == Installed(
        frozenset(), f"Ollama at {server.url!r} did not answer within 0.5 s. Start it with 'ollama serve'."
    )


def test_a_server_without_models_is_said_with_the_command_that_gets_one():
    with OllamaStandIn(models=()) as server:
        installed = installed_models(settings(server.url))

    assert installed == Installed(
        frozenset(), f"Ollama at {server.url!r} has no model. Get one with 'ollama pull llama3.1'."
    )


@pytest.mark.parametrize(
    "listing",
    [
        pytest.param(b"<html>", id="no JSON"),
        pytest.param(b"null", id="nothing"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b'{"models": 3}', id="a number"),
        pytest.param(b'{"models": ["llama3.1"]}', id="strings"),
        pytest.param(b'{"models": [{"size": 3}]}', id="nameless"),
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(b"\xff\xfe\x00", id="binary"),
        pytest.param(b'{"models": [{"name": "llama3.1"}]}' + b" " * 2_000_000, id="huge"),
    ],
)
def test_something_else_than_a_list_of_models_is_a_problem_and_no_exception(listing):
    with OllamaStandIn(listing=listing) as server:
        installed = installed_models(settings(server.url))

    assert installed.names == frozenset()
    assert installed.problem.startswith(f"The server at {server.url!r} answers with ")


@pytest.mark.parametrize(("fault", "status"), [(Fault.STATUS, 500), (Fault.REDIRECT, 302)])
def test_another_status_is_a_problem_and_redirects_are_not_followed(fault, status):
    with OllamaStandIn(listing=fault) as server:
        installed = installed_models(settings(server.url))

    assert installed == Installed(
        frozenset(),
        f"The server at {server.url!r} answers with status {status}, which Ollama does not. "
        "Set KFI_OLLAMA_URL to Ollama, started with 'ollama serve'.",
    )
    assert [request.path for request in server.requests] == ["/api/tags"]


def test_names_that_a_terminal_would_obey_are_no_names():
    with OllamaStandIn(models=("llama3.1:8b", "x\x1b[2J", "y" * 500, "")) as server:
        assert installed_models(settings(server.url)).names == frozenset({"llama3.1:8b"})


@pytest.mark.parametrize(
    "url", ["ftp://a.example", "file:///etc/passwd", "a.example:11434", "http://", "http://a:b:c", "http://a\n.example"]
)
def test_only_http_and_https_addresses_are_asked(url):
    with pytest.raises(ConfigError, match="The setting 'ollama_url' is no http or https address"):
        server_of(settings(url))


def test_the_user_of_an_address_is_sent_but_never_shown():
    with OllamaStandIn() as server:
        installed_models(settings(server.url.replace("//", "//operator:pass%20word@")))

    assert server.requests[0].headers["Authorization"] == "Basic b3BlcmF0b3I6cGFzcyB3b3Jk"
    problem = installed_models(settings(server.url.replace("//", "//operator:pass%20word@"))).problem
    assert problem == f"Ollama at {server.url!r} does not answer. Start it with 'ollama serve'."
    assert server_of(settings("https://u:p@a.example:443/ollama/")) == Server(
        "https://a.example:443/ollama", ("u", "p")
    )


def test_the_proxy_of_the_environment_is_not_asked(monkeypatch):
    with OllamaStandIn() as server, OllamaStandIn() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", "")
        installed_models(settings(server.url))

    assert (len(server.requests), proxy.requests) == (1, [])


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("llama3.1", "llama3.1:latest", True),
        ("llama3.1", "llama3.1:8b", False),
        ("registry.example:5000/llama3.1", "registry.example:5000/llama3.1:latest", True),
    ],
)
def test_a_name_without_tag_means_the_latest(one, other, same):
    assert same_model(one, other) is same
