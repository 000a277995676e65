"""The architecture, held by reading the code: floors, who may use what, length, docstrings.

The floors are the data below. A new module must be placed in one, and named in the map.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import safecity_pipeline

ROOT = Path(safecity_pipeline.__file__).parent
PROJECT = "safecity_pipeline"

# From the ground up. A module may import its own floor and those below it; the longest name that
# fits places it. `sample` stands beside them.
FLOORS = (
    {"model", "period", "vocabulary", "statistics", "settings", "tables", "cost", "disclosure"}
    | {"feasible", "funnels"},
    {"sources"},
    {"registry"},
    {"ingest"},
    {
        *("measure", "breakdowns", "maturity", "revisions", "printed", "breaks", "marks"),
        *(
            "watch",
            "detection",
            "estimates",
            "yearly",
            "comparable",
            "allowing",
            "compare",
            "trends",
        ),
        "sentences",
        *("claims", "targets", "drafts", "standings", "phrases", "typed"),
    },
    {"shareable", "audiences", "withheld", "outsider", "protection"},
    {
        "arrivals",
        "bookkeeping",
        "waivers",
        "warehouse",
        "upkeep",
        "tallies",
        "sharing",
        "helper",
        "editions",
        "lineage",
        "attacking",
    },
    {"publish"},
    {"refresh"},
    {"supplier", "explaining", "comparing", "rebuilding", "catalogue", "categories"},
    {"progress", "summary", "document", "board", "words"},
    {"orchestration"},
    {"definitions"},
    {"orchestration.run", "orchestration.web"},
    {"cli"},
    {"__main__"},
)
BESIDE = {"sample"}
LONGEST_FUNCTION = 60
FILES = sorted(ROOT.rglob("*.py"))
MODULES = {
    ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file
    for file in FILES
    if file != ROOT / "__init__.py"
}


@cache
def tree(name: str) -> ast.Module:
    return ast.parse(MODULES[name].read_text(encoding="utf-8"))


def imported(name: str) -> set[str]:
    """Everything that a module imports, wherever in it; `from a import b` as `a.b`."""
    found: set[str] = set()
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}: write imports in full"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def of_the_project(name: str) -> set[str]:
    """Modules of the project that a module imports, without the project's name."""
    inside = {one.removeprefix(f"{PROJECT}.") for one in imported(name) if one.startswith(PROJECT)}
    return {one if one in MODULES else one.rpartition(".")[0] for one in inside} - {PROJECT, ""}


def placed(name: str) -> str | None:
    """The entry of the floors under which a module falls."""
    entries = set().union(*FLOORS) | BESIDE
    fitting = [one for one in entries if name == one or name.startswith(f"{one}.")]
    return max(fitting, key=len, default=None)


def floor(name: str) -> int:
    return next(number for number, entries in enumerate(FLOORS) if placed(name) in entries)


def test_every_module_stands_on_a_floor_and_every_entry_is_a_module() -> None:
    assert {name: placed(name) for name in MODULES if placed(name) is None} == {}
    assert set().union(*FLOORS) | BESIDE == {placed(name) for name in MODULES}


def test_imports_point_only_downward() -> None:
    upward = [
        f"{name} imports {other}"
        for name in MODULES
        if placed(name) not in BESIDE
        for other in of_the_project(name)
        if placed(other) not in BESIDE and floor(other) > floor(name)
    ]
    assert upward == []


def test_the_sample_knows_nothing_of_the_project_and_only_the_command_knows_it() -> None:
    for name in MODULES:
        knows = {other for other in of_the_project(name) if placed(other) == "sample"}
        if placed(name) == "sample":
            assert of_the_project(name) == knows
        else:
            assert not knows or name == "cli", name


def test_sources_know_the_nouns_periods_and_words_and_nothing_of_each_other() -> None:
    for name in MODULES:
        if name.startswith("sources."):
            assert of_the_project(name) <= {"model", "period", "vocabulary"}, name


def test_only_the_warehouse_opens_duckdb_and_the_child_that_reads_parquet() -> None:
    def opens(node: ast.AST) -> bool:
        if isinstance(node, ast.Attribute):
            return node.attr == "connect" and ast.unparse(node.value) == "duckdb"
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return re.search(r"\bATTACH\b", node.value) is not None
        return False

    opening = {name for name in MODULES if any(opens(node) for node in ast.walk(tree(name)))}
    assert opening == {"warehouse", "ingest.reading.parquet"}
    assert [name for name in MODULES if "duckdb.connect" in imported(name)] == []


def test_only_the_orchestration_floor_imports_dagster() -> None:
    using = {
        placed(name)
        for name in MODULES
        if any(re.match(r"dagster\b", one) for one in imported(name))
    }
    assert using <= {"orchestration", "orchestration.run", "orchestration.web", "definitions"}


def functions(name: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_no_function_is_longer_than_a_screen() -> None:
    long = [
        f"{name}.{function.name}: {length} lines"
        for name in MODULES
        for function in functions(name)
        if (length := (function.end_lineno or 0) - function.lineno + 1) > LONGEST_FUNCTION
    ]
    assert long == []


@pytest.mark.parametrize("name", sorted(MODULES))
def test_a_module_says_what_belongs_in_it(name: str) -> None:
    assert ast.get_docstring(tree(name)), f"{name} has no docstring"


def test_the_map_names_every_module_and_package() -> None:
    tops = {name.partition(".")[0] for name in MODULES} - {"__main__"}
    words = set(re.findall(r"\w+", safecity_pipeline.__doc__ or ""))
    assert tops - words == set()
