"""The assets: meta/extract → clean/<source> → mart/indicator_value → mart/finding → release."""

from collections.abc import Callable, Iterable

import dagster as dg

from safecity_pipeline import bookkeeping, sources, tables
from safecity_pipeline.ingest import intake, schema
from safecity_pipeline.model import Check, CheckSpec, Source
from safecity_pipeline.orchestration.guard import guarded
from safecity_pipeline.refresh import Refresh, Report
from safecity_pipeline.tables import Table

SURVEY = dg.AssetKey(["meta", "extract"])
VALUES = dg.AssetKey(["mart", "indicator_value"])
FINDINGS = dg.AssetKey(["mart", "finding"])
SEVERITIES = {"ERROR": dg.AssetCheckSeverity.ERROR, "WARN": dg.AssetCheckSeverity.WARN}


def build() -> list[dg.AssetsDefinition]:
    """Every asset, one for each source that is discovered."""
    known = list(sources.discover().values())
    cleaned = [_key(source) for source in known]
    return [
        _asset(
            SURVEY,
            "Every file under raw/, recognised or not, with its hash",
            Refresh.look,
            table=tables.EXTRACT,
            checks=bookkeeping.SURVEY_CHECKS,
        ),
        *(_clean(source) for source in known),
        _asset(
            VALUES,
            "Every indicator by area and period, with its 95 % interval",
            Refresh.indicators,
            deps=cleaned,
            table=tables.INDICATOR_VALUE,
        ),
        _asset(
            FINDINGS,
            "Changes, the group's average, and ranks, in numbers and words",
            Refresh.findings,
            deps=[VALUES],
            table=tables.FINDING,
        ),
        _asset(
            dg.AssetKey(["release"]),
            "The published release; nothing is published where nothing changed",
            Refresh.release,
            deps=[FINDINGS],
        ),
    ]


def _key(source: Source) -> dg.AssetKey:
    return dg.AssetKey(["clean", source.name])


def _clean(source: Source) -> dg.AssetsDefinition:
    def step(refresh: Refresh) -> Report:
        return refresh.take_in(source.name)

    return _asset(
        _key(source),
        f"{source.title} ({source.supplier}): rows that passed every rule",
        step,
        deps=[SURVEY],
        table=schema.clean_table(source),
        checks=intake.check_specs(source),
    )


def _asset(
    key: dg.AssetKey,
    description: str,
    step: Callable[[Refresh], Report],
    deps: Iterable[dg.AssetKey] = (),
    table: Table | None = None,
    checks: Iterable[CheckSpec] = (),
) -> dg.AssetsDefinition:
    """One asset around one step of a refresh."""

    @dg.asset(
        key=key,
        description=description,
        deps=list(deps),
        group_name=key.path[0],
        kinds={"duckdb"},
        metadata=_column_schema(table),
        check_specs=[
            dg.AssetCheckSpec(
                check.name, asset=key, description=check.words, blocking=check.severity == "ERROR"
            )
            for check in checks
        ],
        required_resource_keys={"refresh"},
    )
    def run(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]
        report = guarded(key.to_user_string(), lambda: step(context.resources.refresh))
        return dg.MaterializeResult(
            metadata=_metadata(report), check_results=[_result(check) for check in report.checks]
        )

    return run


def _column_schema(table: Table | None) -> dict[str, dg.TableSchema]:
    if table is None:
        return {}
    columns = [
        dg.TableColumn(column.name, column.sql_type, description=column.comment)
        for column in table.columns
    ]
    return {"dagster/column_schema": dg.TableSchema(columns)}


def _metadata(report: Report) -> dict[str, dg.MetadataValue]:
    """Counts as numbers, the list of files as a table in Markdown."""
    found: dict[str, dg.MetadataValue] = {"dagster/row_count": dg.MetadataValue.int(report.rows)}
    for name, value in report.facts.items():
        if isinstance(value, list):
            text = "\n".join(f"- {_escaped(item)}" for item in value) or "none"
            found[name] = dg.MetadataValue.md(text)
        elif isinstance(value, bool):
            found[name] = dg.MetadataValue.bool(value)
        elif isinstance(value, int):
            found[name] = dg.MetadataValue.int(value)
        elif isinstance(value, float):
            found[name] = dg.MetadataValue.float(value)
        else:
            found[name] = dg.MetadataValue.text(str(value))
    return found


def _escaped(text: object) -> str:
    return str(text).replace("_", "\\_").replace("*", "\\*")


def _result(check: Check) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=check.check_name,
        passed=check.passed,
        severity=SEVERITIES[check.severity],
        description=check.message,
        metadata={"failed_rows": check.failed_rows},
    )
