"""safecity: extracts in, validated, nothing lost; indicators that know when they may be compared.

The map, from the ground up; imports point only downward, and a test holds that.

    model, period, vocabulary, statistics, funnels, settings, tables, disclosure, feasible
                    nouns, shared words, pure arithmetic, the contract's tables, what is too small,
                    what sums leave possible of hidden numbers
    sources/        what a row of each kind of extract means, and its rules
    registry/       what is declared: layouts, thresholds, indicators, areas, peers, changes,
                    waivers, corrections, boundaries, assessments with claims and targets
    ingest/         extract → text rows → typed values → clean rows or quarantine; the ledger; drift
      reading/        workbooks and parquet → one plain CSV a sheet, in a guarded child process
    measure         indicator → SQL → value and interval; breakdowns: its years, taken apart
    maturity        figures that had unequal time to settle; revisions: as first extracted, and now;
                    printed: as earlier assessments printed them
    detection/      a change of recording found in the figures, and sized: pure statistics
    watch/          categories that came, went or were divided anew: found in the extracts alone
    breaks          which comparisons a definitional change breaks; marks: values on another
                    definition than the one before them
    estimates       how large a change of recording was, by references; breaks that none explains
    yearly          sizes by whole years, where a series has no months
    comparable      a change on one definition; values of earlier periods on the newest one
    allowing        that change in words, beside one across a definition
    compare         values → findings; trends: over five years of one definition; sentences:
                    findings → words
    claims          values and findings → each sentence of a published assessment, recomputed
    targets         where each target of a published assessment stands
    drafts          each sentence of a published assessment, for the year of the release; standings:
                    targets in words; phrases: numbers in words
    typed           numbers typed into the analyst's words, and the figures that they could be
    shareable       the tables with figures, without what must be hidden
    audiences       who may see which figure, and the reason in words where not
    withheld        small areas of some topics, until somebody has signed for them
    outsider        what somebody knows who reads them; protection: more is hidden, until no hidden
                    number follows; attacking: an outsider reads the database of a release
    bookkeeping     rows of the meta tables: what a release says of its extracts and declarations
    lineage         where each published column comes from, by declarations and ledger
    sharing         these tables, written beside the others; editions: what of them each edition has
    upkeep          what the figures were made from, and which must be made anew; cost: of each step
    arrivals        the arrival board: which periods are due, and what came of each
    waivers         which failing check or broken comparison a role accepts, until when
    tallies         rows counted by what indicators ask of them, kept by extract
    warehouse       the file under construction, releases, the atomic switch, the lock
    publish/        what people are handed beside the databases: editions and their products
      report/         the assessment as a page, its charts, the leaflet
    helper          a second process that takes in sources too
    refresh         the steps of a refresh, as plain functions
    supplier/       a file judged for its supplier, errors workbook, template, drift in words
    rebuilding      a release made anew, and compared with itself
    explaining, comparing, catalogue, categories, progress, summary, document, board, words
                    what the commands tell people
    orchestration/  the same steps as Dagster assets; definitions: the code location
    cli             the command `safecity`
    sample/         beside: synthetic extracts in the suppliers' forms
"""

__version__ = "0.1.0"
