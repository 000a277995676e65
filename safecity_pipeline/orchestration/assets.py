"""The assets: meta/extract → clean/<source> → mart/indicator_value → mart/break_estimate →
mart/finding → mart/claim and mart/target → mart/draft → meta/waiver → release → release_diff; and
mart/comparable_value and mart/revision beside them."""

import warnings
from collections.abc import Callable, Iterable, Sequence

import dagster as dg

from safecity_pipeline import (
    arrivals,
    bookkeeping,
    claims,
    estimates,
    sources,
    tables,
    typed,
    waivers,
)
from safecity_pipeline.ingest import intake, schema
from safecity_pipeline.model import Check, CheckSpec, Source
from safecity_pipeline.orchestration import years
from safecity_pipeline.orchestration.guard import guarded
from safecity_pipeline.refresh import Refresh, Report
from safecity_pipeline.tables import Table
from safecity_pipeline.watch import told

SURVEY = dg.AssetKey(["meta", "extract"])
VALUES = dg.AssetKey(["mart", "indicator_value"])
ESTIMATES = dg.AssetKey(["mart", "break_estimate"])
COMPARABLES = dg.AssetKey(["mart", "comparable_value"])
FINDINGS = dg.AssetKey(["mart", "finding"])
REVISIONS = dg.AssetKey(["mart", "revision"])
CLAIMS = dg.AssetKey(["mart", "claim"])
TARGETS = dg.AssetKey(["mart", "target"])
DRAFTS = dg.AssetKey(["mart", "draft"])
WAIVERS = dg.AssetKey(["meta", "waiver"])
SEVERITIES = {"ERROR": dg.AssetCheckSeverity.ERROR, "WARN": dg.AssetCheckSeverity.WARN}

Step = Callable[[Refresh, Sequence[str]], Report]


def build() -> list[dg.AssetsDefinition]:
    """Every asset, one for each source that is discovered."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)  # backfill policies are called beta
        return _built()


def _built() -> list[dg.AssetsDefinition]:
    known = list(sources.discover().values())
    cleaned = [_key(source) for source in known]
    return [
        _asset(
            SURVEY,
            "Every file under raw/, recognised or not, with its hash",
            lambda refresh, _: refresh.look(),
            table=tables.EXTRACT,
            checks=bookkeeping.SURVEY_CHECKS,
        ),
        *(_clean(source) for source in known),
        _asset(
            VALUES,
            "Every indicator by area and period, with its 95 % interval",
            lambda refresh, asked_for: refresh.indicators(asked_for),
            deps=cleaned,
            table=tables.INDICATOR_VALUE,
            by_year=True,
        ),
        _asset(
            ESTIMATES,
            "How large each change of definition was, by series that it does not touch",
            lambda refresh, _: refresh.estimates(),
            deps=[VALUES],
            table=tables.BREAK_ESTIMATE,
            checks=[estimates.CHECK],
        ),
        _asset(
            COMPARABLES,
            "Figures of earlier periods on the definition of the newest year",
            lambda refresh, _: refresh.comparables(),
            deps=[VALUES],
            table=tables.COMPARABLE_VALUE,
        ),
        _asset(
            FINDINGS,
            "Changes, the group's average, and ranks, in numbers and words",
            lambda refresh, asked_for: refresh.findings(asked_for),
            deps=[VALUES, ESTIMATES],
            table=tables.FINDING,
            by_year=True,
        ),
        _asset(
            REVISIONS,
            "Figures as first extracted, beside the same figures as they stand",
            lambda refresh, _: refresh.revisions(),
            deps=[VALUES],
            table=tables.REVISION,
        ),
        *_of_the_assessment(),
    ]


def _of_the_assessment() -> list[dg.AssetsDefinition]:
    return [
        _asset(
            CLAIMS,
            "Every sentence of the published assessment, recomputed",
            lambda refresh, _: refresh.claims(),
            deps=[FINDINGS],
            table=tables.CLAIM,
            checks=[claims.CHECK],
        ),
        _asset(
            TARGETS,
            "Where every target of the published assessment stands",
            lambda refresh, _: refresh.targets(),
            deps=[FINDINGS],
            table=tables.TARGET,
        ),
        _asset(
            DRAFTS,
            "Every sentence of the published assessment, drafted for the year of the release",
            lambda refresh, _: refresh.drafts(),
            deps=[CLAIMS, TARGETS],
            table=tables.DRAFT,
            checks=[typed.CHECK],
        ),
        _asset(
            WAIVERS,
            "What a role accepts until a day: failing checks and broken comparisons",
            lambda refresh, _: refresh.waivers(),
            deps=[DRAFTS, REVISIONS, COMPARABLES],
            table=tables.WAIVER,
            checks=waivers.CHECKS,
        ),
        _asset(
            dg.AssetKey(["release"]),
            "The published release; nothing is published where nothing changed",
            lambda refresh, _: refresh.release(),
            deps=[WAIVERS],
        ),
        _asset(
            dg.AssetKey(["release_diff"]),
            "How many rows differ from the release before; it fails nothing",
            lambda refresh, _: refresh.release_diff(),
            deps=[dg.AssetKey(["release"])],
        ),
    ]


def _key(source: Source) -> dg.AssetKey:
    return dg.AssetKey(["clean", source.name])


def _clean(source: Source) -> dg.AssetsDefinition:
    return _asset(
        _key(source),
        f"{source.title} ({source.supplier}): rows that passed every rule",
        lambda refresh, _: refresh.take_in(source.name),
        deps=[SURVEY],
        table=schema.clean_table(source),
        checks=[
            *intake.check_specs(source),
            arrivals.CHECK,
            *([told.CHECK] if source.classified else []),
        ],
    )


def _asset(
    key: dg.AssetKey,
    description: str,
    step: Step,
    deps: Iterable[dg.AssetKey] = (),
    table: Table | None = None,
    checks: Iterable[CheckSpec] = (),
    by_year: bool = False,
) -> dg.AssetsDefinition:
    """One asset around one step of a refresh; by financial year, any number of years is one run."""

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
        partitions_def=years.PARTITIONS if by_year else None,
        backfill_policy=dg.BackfillPolicy.single_run() if by_year else None,
    )
    def run(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]
        refresh, asked_for = context.resources.refresh, years.asked_for(context) if by_year else []
        report = guarded(key.to_user_string(), lambda: step(refresh, asked_for))
        return dg.MaterializeResult(
            metadata=_metadata(report, counted=table is not None),
            check_results=[_result(check) for check in report.checks],
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


def _metadata(report: Report, counted: bool) -> dict[str, dg.MetadataValue]:
    """Counts and costs as numbers, which Dagster plots over the runs; the list of files as
    Markdown. A step that had nothing to do says so, and is no dent in the plots."""
    found: dict[str, dg.MetadataValue] = {}
    if counted and not report.facts.get("unchanged"):
        found["dagster/row_count"] = dg.MetadataValue.int(report.rows)
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
        severity=SEVERITIES["WARN" if check.waived_by else check.severity],
        description=check.message,
        metadata={"failed_rows": check.failed_rows},
    )
