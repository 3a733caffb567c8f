"""Promises about the code base that no type checker keeps."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from kfi.config import Settings
from kfi.diagnosis.catalogue import catalogue
from kfi.diagnosis.rules import FAMILIES

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src" / "kfi").rglob("*.py"))


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_module_is_longer_than_400_lines_and_no_function_than_50(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 400
    long = [f.name for f in functions(path) if (f.end_lineno or 0) - f.lineno + 1 > 50]
    assert long == []


def test_no_module_is_a_drawer_for_everything() -> None:
    names = {path.stem for path in SOURCES}
    assert names.isdisjoint({"utils", "helpers", "common", "misc"})


def test_importing_the_command_line_loads_no_heavy_library() -> None:
    heavy = ["sqlalchemy", "pydantic", "yaml", "rich.console", "torch", "pymilvus", "fastapi"]
    code = f"import sys, kfi.cli.app; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_rule_module_is_listed_as_a_family() -> None:
    modules = {path.stem for path in (ROOT / "src/kfi/diagnosis/rules").glob("*.py")} - {"__init__"}
    listed = {getattr(family, "__name__", "").rpartition(".")[2] for family in FAMILIES}
    assert modules == listed


def test_every_failure_code_stands_once_and_reads_like_one() -> None:
    codes = [rule.code for family in FAMILIES for rule in family.RULES]
    assert len(codes) == len(set(codes)) == len(catalogue())
    assert [code for code in codes if not code.replace("-", "").isalnum() or code != code.lower()] == []


def test_every_rule_has_a_sample_incident() -> None:
    samples = {path.parent.name for path in (ROOT / "data" / "sample" / "rules").glob("*/case.yaml")}
    assert set(catalogue()) - samples == set()


def test_what_a_wheel_takes_in_is_there() -> None:
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    taken = build["targets"]["wheel"]["force-include"]

    assert taken == {"data/sample/orchard": "kfi/sample"}  # where `kfi demo` looks for it
    assert all(any((ROOT / source).iterdir()) for source in taken)


def test_confirm_commands_only_read() -> None:
    reading = {"get", "describe", "logs", "top", "events", "auth", "api-resources", "version", "explain", "debug"}
    verbs = {rule.code: rule.confirm.split()[:2] for rule in catalogue().values()}
    assert {code: words for code, words in verbs.items() if words[0] != "kubectl" or words[1] not in reading} == {}


def test_every_setting_says_what_it_means() -> None:
    lines = (ROOT / "src/kfi/config.py").read_text()
    tree = next(n for n in ast.parse(lines).body if isinstance(n, ast.ClassDef) and n.name == "Settings")
    documented = {
        statement.target.id
        for statement, after in zip(tree.body, tree.body[1:], strict=False)
        if isinstance(statement, ast.AnnAssign)
        and isinstance(statement.target, ast.Name)
        and isinstance(after, ast.Expr)
        and isinstance(after.value, ast.Constant)
    }
    assert set(Settings.model_fields) == documented


def test_the_benchmark_labels_name_codes_that_exist() -> None:
    labels = json.loads((ROOT / "benchmarks/cloudops_labels.json").read_text())
    assert set(labels) - set(catalogue()) == set()
