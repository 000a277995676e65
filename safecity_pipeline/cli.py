"""The command `safecity`.

Belongs here: arguments, words for people, exit status. Does not belong here: doing the work. What
a command needs is imported inside it, so that `--help` answers at once.

Exit status: 0 done; 1 something was refused that you must look at; 2 the call or the
configuration is wrong.
"""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from safecity_pipeline.model import Refused

if TYPE_CHECKING:
    from safecity_pipeline.period import Period
    from safecity_pipeline.refresh import Refresh
    from safecity_pipeline.settings import Settings

app = typer.Typer(
    name="safecity",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help=(
        "The pipeline behind a Community Safety Partnership's strategic assessment: extracts in "
        "raw/, validated, nothing lost; indicators and findings in warehouse/.\n\n"
        "Start with `safecity demo`. A usual year: put the extracts into raw/, `safecity check` "
        "each new file, `safecity refresh`, then open "
        "warehouse/current/public/safecity.duckdb."
    ),
    epilog="Exit status: 0 done; 1 something was refused; 2 the call or configuration is wrong.",
)

Config = Annotated[
    Path | None,
    typer.Option(help="The deployment's safecity.toml. Or SAFECITY_CONFIG; else the one here."),
]
Raw = Annotated[Path | None, typer.Option(help="Folder of extracts. Or SAFECITY_RAW; else raw/.")]
Home = Annotated[
    Path | None,
    typer.Option(help="Folder of releases. Or SAFECITY_WAREHOUSE; else warehouse/."),
]
Year = Annotated[str | None, typer.Option(help="Financial year of the assessment, as 2014-15.")]
AsOf = Annotated[
    str | None,
    typer.Option(help="Day on which it is judged what is due, as 2015-11-30; else as set, today."),
]


def main() -> None:
    """Run the command. Bad input ends in words, never in a stack trace."""
    try:
        app()
    except Refused as refused:
        _say(f"safecity: {refused}", error=True)
        sys.exit(1)


def command() -> None:
    """`main`, and the end of the process. What the system takes back at once is not taken apart
    object by object first: after a refresh that took more than a second."""
    code = 0
    try:
        main()
    except SystemExit as ended:
        if isinstance(ended.code, str):  # words, which Python prints
            raise
        code = ended.code or 0
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # whoever listened has gone
            stream.flush()
    os._exit(code)


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(help="Where raw/ and warehouse/ are made.")] = Path(
        "demo"
    ),
    seed: Annotated[int, typer.Option(help="Another seed gives another made-up city.")] = 2014,
) -> None:
    """Write a synthetic sample and refresh it: the whole job."""
    with _configuration():
        from safecity_pipeline import settings

        chosen = settings.load(settings.PACKAGED)
    chosen = chosen.with_folders(folder / "raw", folder / "warehouse")
    _write_sample(chosen.raw, _ready, seed=seed)
    _refresh(chosen)
    _say("\nEverything in it is made up. A few of its findings:")
    _show_findings(chosen)


@app.command()
def sample(
    folder: Annotated[Path, typer.Argument(help="Folder to write the extracts into.")],
    seed: Annotated[int, typer.Option(help="Another seed gives other rows.")] = 2014,
    through: Annotated[str, typer.Option(help="Last financial year, to 2016-17.")] = "2014-15",
    recording_step: Annotated[
        float, typer.Option(help="Effect of recording on violence at 1 April 2014; 0 is none.")
    ] = 0.255,
    real_change: Annotated[
        float, typer.Option(help="Real change of violence at that date; 0.1 is +10 %.")
    ] = 0.0,
) -> None:
    """Write synthetic extracts in the suppliers' forms, with faults."""
    _write_sample(
        folder,
        lambda: None,
        seed=seed,
        through=through,
        recording_step=recording_step,
        real_change=real_change,
    )


@app.command()
def refresh(
    year: Year = None,
    as_of: AsOf = None,
    config: Config = None,
    raw: Raw = None,
    warehouse: Home = None,
) -> None:
    """Take in what is in raw/ and publish a release. Readers of the last one are not disturbed."""
    _refresh(_settings(config, raw, warehouse, year, as_of))


@app.command()
def status(as_of: AsOf = None, config: Config = None, warehouse: Home = None) -> None:
    """Show what came of each source, what lacks, what is due next."""
    chosen = _settings(config, None, warehouse, None)
    with _configuration():
        day = _as_of(as_of)
    from safecity_pipeline import board

    _say("\n".join(board.of(chosen, day)))


@app.command()
def check(
    files: Annotated[list[Path], typer.Argument(help="Extracts, as the supplier sent them.")],
    workbook: Annotated[
        bool, typer.Option(help="Write FILE.errors.xlsx where anything is refused.")
    ] = True,
    config: Config = None,
) -> None:
    """Say in plain words what is wrong with files.

    Every bad row and cell is listed in FILE.errors.xlsx, beside the file, or in the working folder
    where the file lies in raw/, which is never written to. Nothing else is stored.

    Exit status 0: all of it can be used, though something may be odd and is told ("to look at");
    1: a file, a sheet, a row or a cell is refused, and its supplier must look at it.
    """
    with _configuration():
        from safecity_pipeline import registry, settings
        from safecity_pipeline.supplier import checking, errors_workbook

        chosen = settings.load(config)
        known = registry.load(chosen.config)
    for file in files:
        if not file.is_file():
            raise typer.BadParameter(f"no such file: {file}")
    good, written = True, set[Path]()
    for file in files:
        if errors_workbook.is_one(file):
            _say(f"{file.name}: passed over: a workbook of an earlier check")
            continue
        verdict = checking.check(file, known)
        _say("\n".join(verdict.lines))
        if workbook and not verdict.good:
            _say(f"  all of it: {errors_workbook.put(verdict, chosen.raw, written)}")
        good = good and verdict.good
    raise typer.Exit(0 if good else 1)


@app.command()
def template(
    source: Annotated[str, typer.Argument(help="Key of a source, as street_crime.")],
    to: Annotated[Path | None, typer.Option(help="File; else SOURCE.template.xlsx here.")] = None,
    config: Config = None,
) -> None:
    """Write the workbook to send to a supplier: columns and rules."""
    with _configuration():
        from safecity_pipeline import registry, settings
        from safecity_pipeline.supplier import template as templates

        chosen = settings.load(config)
        asked = templates.of(source, registry.load(chosen.config))
        written = to or Path(f"{source}.template.xlsx")
        templates.write(asked, written, chosen.raw)
    _say(str(written))


@app.command()
def drift(
    file: Annotated[Path, typer.Argument(help="An extract, as the supplier sent it.")],
    source: Annotated[
        str | None, typer.Option(help="Compare with this source only, as street_crime.")
    ] = None,
    since: Annotated[
        Path | None, typer.Option(help="An earlier file of the same kind, to compare with.")
    ] = None,
    config: Config = None,
) -> None:
    """Say what changed in a file's form; print the layout entry.

    Exit status 0: a layout reads the file as it is; 1: it changed, or cannot be read. A text file
    with titles above its head is not understood yet.
    """
    for named in (file, since):
        if named and not named.is_file():
            raise typer.BadParameter(f"no such file: {named}")
    with _configuration():
        from safecity_pipeline import registry, settings
        from safecity_pipeline.supplier import drift_report

        known = registry.load(settings.load(config).config)
        if source and source not in known.sources:
            listed = ", ".join(known.sources)
            raise Refused("no such source", "--source", source, f"known: {listed}")
        told = drift_report.report(file, known, source, since)
    _say("\n".join(told.lines))
    raise typer.Exit(0 if told.good else 1)


@app.command()
def classes(
    everything: Annotated[
        bool, typer.Option("--all", help="Also those that definitional_changes.csv covers.")
    ] = False,
    csv: Annotated[
        Path | None,
        typer.Option(
            help="Write rows for definitional_changes.csv and a crosswalk to this folder."
        ),
    ] = None,
    config: Config = None,
    warehouse: Home = None,
) -> None:
    """Show categories that came, went, or were divided anew.

    Crime types, offence codes and the like that were renamed, split or merged between two periods:
    when, where, how large, and what share of the old went into which new one, as far as the counts
    can tell.

    `--csv FOLDER` writes definitional_changes.csv, with rows to paste into the registry's file of
    that name once they are verified, and crosswalk.csv. A row that stands there makes the change
    expected from the next refresh on.
    """
    chosen = _settings(config, None, warehouse, None)
    from safecity_pipeline import categories

    release, rows = categories.of(chosen)
    if csv:
        written = categories.write(rows, csv, chosen.raw)
        _say("\n".join(str(file) for file in written))
    else:
        _say("\n".join(categories.lines(release, rows, everything)))


@app.command()
def explain(
    indicator: Annotated[str, typer.Argument(help="Key of an indicator, as burglary_rate.")],
    area: Annotated[str | None, typer.Option(help="Code or name; else the assessed area.")] = None,
    period: Annotated[
        str | None, typer.Option(help="2014-15, 2014M09, 2014Q3; else the newest year.")
    ] = None,
    rows: Annotated[
        bool, typer.Option("--rows", help="Also where each counted row lies; to a terminal only.")
    ] = False,
    config: Config = None,
    warehouse: Home = None,
) -> None:
    """Take a figure apart: formula, counts by file and sheet, SQL.

    `--rows` needs the restricted database of the release, and names no cell of a row: its file,
    sheet and number. public/lineage.html of the release tells the same of every indicator.
    """
    chosen = _settings(config, None, warehouse, None)
    with _configuration():
        if rows and not sys.stdout.isatty():
            repair = "call it in a terminal, without a pipe or a file behind it"
            raise Refused("where rows lie is told to a terminal only", "--rows", repair=repair)
        from safecity_pipeline import registry

        known = registry.load(chosen.config)
        known.indicator(indicator)
        known.area(area or chosen.area_code)
        period = _period(period).label if period else None
    from safecity_pipeline import explaining

    _say("\n".join(explaining.explain(chosen, known, indicator, area, period, rows)))


@app.command()
def diff(
    earlier: Annotated[
        str, typer.Argument(help="A release: its stamp, previous, current, or its folder.")
    ] = "previous",
    later: Annotated[str, typer.Argument(help="The release to compare with it.")] = "current",
    html: Annotated[Path | None, typer.Option(help="Write the page to this file.")] = None,
    csv: Annotated[Path | None, typer.Option(help="Write every difference to this file.")] = None,
    config: Config = None,
    warehouse: Home = None,
) -> None:
    """Say what changed between two releases, and why.

    Values that changed, came or went, ranks that changed, sentences that read otherwise; by
    indicator, with what caused it: a new, mended, superseded or withdrawn extract, a changed
    definition, declaration or code, another edition of the population, a setting, a waiver. Where
    several could be the cause, it says so. Both are compared as they may be shared. Every release
    has the same beside it, compared with the one before: public/changes.html.
    """
    chosen = _settings(config, None, warehouse, None)
    from safecity_pipeline import comparing

    _say("\n".join(comparing.told(chosen, earlier, later, html, csv)))


@app.command()
def rebuild(
    release: Annotated[str, typer.Argument(help="Its stamp, current or previous.")] = "current",
    config: Config = None,
    raw: Raw = None,
    warehouse: Home = None,
) -> None:
    """Make a release anew from raw/ and prove that it is the same.

    Every table of its databases is compared byte for byte, but for what says when and at what cost
    it was made. Nothing is published. Exit status 0: equal; 1: not equal, or refused because
    something that it was made from is not here as it was: an extract, the registry, the code.
    """
    chosen = _settings(config, raw, warehouse, None)
    from safecity_pipeline import progress, rebuilding

    with progress.shown():
        rebuilt = rebuilding.rebuild(chosen, release)
    _say("\n".join(rebuilt.lines))
    raise typer.Exit(0 if rebuilt.equal else 1)


@app.command()
def changes(
    indicator: Annotated[
        str | None, typer.Option(help="Only what reaches it, beside its yearly figures.")
    ] = None,
    area: Annotated[
        str | None, typer.Option(help="With --indicator: code or name; else the assessed area.")
    ] = None,
    config: Config = None,
    warehouse: Home = None,
) -> None:
    """List the definitional changes and what they break.

    With --indicator: each yearly figure beside the change on the year before, and the changes of
    definition between them. A jump without any is either real or not declared yet: `safecity
    declare` then writes the row.
    """
    chosen = _settings(config, None, warehouse, None)
    with _configuration():
        from safecity_pipeline import registry

        known = registry.load(chosen.config)
        if indicator:
            known.indicator(indicator)
            known.area(area or chosen.area_code)
    from safecity_pipeline import catalogue

    lines = (
        catalogue.of_indicator(chosen, known, indicator, area)
        if indicator
        else catalogue.listed(chosen, known)
    )
    _say("\n".join(lines))


@app.command()
def declare(
    indicator: Annotated[str, typer.Argument(help="Key of an indicator that it reaches.")],
    day: Annotated[str, typer.Argument(help="Day on which it took effect, as 2014-06-01.")],
    what: Annotated[str, typer.Argument(help="What changed, in words for residents.")],
    scope: Annotated[
        str, typer.Option(help="area, force, supplier (all that its source gives) or national.")
    ] = "area",
    kind: Annotated[
        str, typer.Option(help="counting rule, classification, collection, law, measure …")
    ] = "counting rule",
    config: Config = None,
) -> None:
    """Declare a change of definition: one row of your own.

    It is written to definitional_changes.csv beside your safecity.toml. `safecity refresh` then
    makes anew what it reaches, and words each comparison across it as recorded change.
    """
    with _configuration():
        from safecity_pipeline import catalogue, registry

        chosen = _settings(config, None, None, None)
        known = registry.load(chosen.config)
        _say("\n".join(catalogue.add(chosen, known, indicator, day, what, scope, kind)))


@app.command()
def draft(
    year: Annotated[
        str | None, typer.Option(help="Refuse where the release is not of this year, as 2015-16.")
    ] = None,
    beside: Annotated[
        bool, typer.Option("--beside", help="The published sentence under each draft.")
    ] = False,
    csv: Annotated[
        Path | None, typer.Option(help="Write every column of mart.draft to this file instead.")
    ] = None,
    config: Config = None,
    warehouse: Home = None,
) -> None:
    """Draft the assessment's sentences for the release's year.

    Each sentence of the published assessment, with this year's figure: its likely range, its rank
    "of n", what to mind. "Rose" and "fell" stand only where chance does not explain the change and
    no definition changed in between; where there is no figure, the draft says why. Targets: where
    each stands. Read every one before you publish it.

    A new year: put its extracts into raw/, `safecity refresh --year 2015-16`, then
    `safecity draft > drafts.txt`. `safecity draft --beside` shows what was published.
    """
    chosen = _settings(config, None, warehouse, year)
    from safecity_pipeline import document

    rows = document.drafts_of(chosen, chosen.year if year else None)
    if csv:
        document.write_table(rows, csv, chosen.raw)
        _say(str(csv))
    else:
        _say("\n".join(document.text(rows, beside)))


@app.command()
def keep(
    on: Annotated[
        str | None, typer.Option(help="Day of the publication, as 2015-12-01; else today.")
    ] = None,
    config: Config = None,
    warehouse: Home = None,
) -> None:
    """Keep what the assessment prints, for next year's.

    Call it when the assessment goes out. Writes the yearly figures of the assessed area, rounded as
    printed, to published/YEAR.csv beside safecity.toml; keep that file with it. Later refreshes
    give last year's figure as it was printed and as newer extracts give it: mart.printed, and in
    each sentence that compares with a figure that has moved. What may not be shared is not kept.
    """
    chosen = _settings(config, None, warehouse, None)
    with _configuration():
        day = _as_of(on, "--on") or date.today()
        from safecity_pipeline import document

        file, figures = document.keep_printed(chosen, day)
    _say(f"{figures} figures kept in {file}")


@app.command()
def narrative(
    accept: Annotated[
        bool, typer.Option("--accept", help="Accept the words with the figures as they are now.")
    ] = False,
    section: Annotated[
        str | None, typer.Option(help="With --accept: this section only, as summary.")
    ] = None,
    config: Config = None,
    warehouse: Home = None,
) -> None:
    """Show the analyst's own words and what moved in them.

    They lie in narrative/YEAR/SECTION.md beside safecity.toml. A figure is named by key and never
    typed: [[violence_count:change]], of another year [[violence_count@2013-14:value]], of a part
    [[recorded_crime_count/ward=Bargate:value]]. Listed are the sections, what each key stands for,
    and numbers that were typed.

    --accept writes narrative/YEAR/figures.csv; keep it with the words. A figure that is another one
    later marks its paragraph for review, here and in the release.
    """
    chosen = _settings(config, None, warehouse, None)
    with _configuration():
        from safecity_pipeline import words

        if section and not accept:
            raise Refused("a section is named to accept it", "--section", section, "add --accept")
        if not accept:
            _say("\n".join(words.listed(chosen)))
            return
        file, figures = words.accept(chosen, section)
    _say(f"{figures} figure{'s' * (figures != 1)} accepted in {file}")


@app.command()
def ui(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.", min=1, max=65535)] = 3000,
    read_only: Annotated[bool, typer.Option(help="Look only: no runs can be started.")] = False,
    config: Config = None,
    raw: Raw = None,
    warehouse: Home = None,
) -> None:
    """Open Dagster's web interface, with the runs of `refresh` in it.

    It has no log-in, so it listens on this machine only.
    """
    chosen = _settings(config, raw, warehouse, None)
    from safecity_pipeline.orchestration import web

    _say(f"http://127.0.0.1:{port}   (stop with Ctrl+C)")
    raise typer.Exit(web.serve(chosen, port, read_only))


# --- helpers -----------------------------------------------------------------------------------


def _settings(
    config: Path | None,
    raw: Path | None,
    warehouse: Path | None,
    year: str | None,
    as_of: str | None = None,
) -> Settings:
    with _configuration():
        from safecity_pipeline import settings

        chosen = settings.load(config).with_folders(raw, warehouse)
        assessed = _period(year or chosen.year)
        if assessed.kind != "year":
            raise Refused("the assessment is of a financial year", "year", assessed.label)
        return chosen.of_year(assessed.label, _as_of(as_of))


def _as_of(text: str | None, option: str = "--as-of") -> date | None:
    from safecity_pipeline import settings

    return settings.read_day(text, option) if text else None


def _period(label: str) -> Period:
    from safecity_pipeline import period

    try:
        return period.parse(label)
    except ValueError as error:
        raise Refused(str(error)) from None


@contextmanager
def _configuration() -> Iterator[None]:
    """What is refused in here is wrong with the call or the configuration: exit status 2."""
    try:
        yield
    except Refused as refused:
        _say(f"safecity: {refused}", error=True)
        raise typer.Exit(2) from None


def _refresh(chosen: Settings) -> None:
    with _configuration():
        from safecity_pipeline.refresh import Refresh

        begun = Refresh(chosen)
        _ = begun.area_code  # refused here where the registry or the area is at fault
        if not chosen.raw.is_dir():
            raise Refused("no such folder of extracts", str(chosen.raw), repair="see --raw")
    from safecity_pipeline import progress

    with begun.warehouse.lock("safecity refresh"), progress.shown():
        stamp = _made_new(chosen, begun)
    if stamp:
        _say(f"Nothing has changed since release {stamp}; nothing was published.")
        return
    from safecity_pipeline import summary

    _say("\n".join(summary.of(chosen)))


def _made_new(chosen: Settings, begun: Refresh) -> str:
    """Bring the warehouse up to date. Answers the stamp of the release that stands as it is, or
    nothing where a new one is published. Dagster is not started for nothing: it takes longer."""
    from safecity_pipeline.orchestration import home

    begun.warehouse.sweep()
    stands = home.standing(begun)
    if stands and not home.cut_off(chosen.warehouse):
        begun.after_the_switch()  # a refresh may have been killed after it published
        return stands
    from safecity_pipeline.orchestration import run

    outcome = run.refresh(chosen, begun)
    if not outcome.success:
        _say(f"safecity: {outcome.failure}", error=True)
        raise typer.Exit(1)
    return "" if outcome.published else outcome.release


def _ready() -> None:
    """Import what the refresh will need: seconds, and the sample is made beside it."""
    from safecity_pipeline.orchestration import run

    run.ready()


def _write_sample(folder: Path, meanwhile: Callable[[], None], **planned: Any) -> None:
    from safecity_pipeline import sample as synthetic

    try:
        written = synthetic.write(folder, synthetic.Plan(**planned), meanwhile)
    except (FileExistsError, ValueError) as error:
        _say(f"safecity: {error}", error=True)
        raise typer.Exit(2) from None
    except OSError as error:
        _say(f"safecity: {folder}: cannot be written: {error.strerror}", error=True)
        raise typer.Exit(2) from None
    rows = sum(file.rows for file in written)
    _say(f"{len(written)} synthetic extracts with {rows:,} rows in {folder}")


def _show_findings(chosen: Settings) -> None:
    from safecity_pipeline import summary

    _say("\n".join(f"  {sentence}" for sentence in summary.findings(chosen)))


def _say(words: str, error: bool = False) -> None:
    typer.echo(words, err=error)
