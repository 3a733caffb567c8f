"""A mistake of kfi's own is told in words and has an exit code; the traceback is for who mends it."""

import pytest

from kfi.cli.app import run


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(_settings: object) -> None:
        raise ZeroDivisionError("a count\nof \x1b[31mnothing\u202e")

    monkeypatch.setattr("kfi.copilot.Copilot.throw_away", breaks)
    monkeypatch.delenv("KFI_DEBUG", raising=False)


@pytest.mark.usefixtures("broken")
def test_a_person_reads_what_happened_where_and_what_to_do(tmp_path, capsys: pytest.CaptureFixture[str]):
    assert run(["diagnose", "why?", "--from", str(tmp_path)]) == 70

    said = capsys.readouterr().err
    assert "kfi's own, at test_mistakes.py:" in said
    assert "ZeroDivisionError: a count of nothing\n" in said
    assert "KFI_DEBUG=1" in said
    assert "Traceback" not in said


@pytest.mark.usefixtures("broken")
def test_who_asks_for_it_sees_it_all(tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KFI_DEBUG", "1")

    with pytest.raises(ZeroDivisionError):
        run(["diagnose", "why?", "--from", str(tmp_path)])
