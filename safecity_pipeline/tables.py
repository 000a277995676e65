"""The tables that analysts and outside checks rely on: each column, its type and its meaning.

Belongs here: declarations only; DDL, comments and the data dictionary follow from them. Does not
belong here: what is written into the tables. Extend a table at its end; never rename a column.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

ASIDE = "aside"
"""A database in memory beside the one at work: what all connections must see, and nobody keeps."""
EDITIONS = ("partners", "public")
"""For whom a shareable database is made; the restricted one is nobody's edition."""


@dataclass(frozen=True)
class Column:
    """`random`: its values are all different and do not pack, so that the database need not try."""

    name: str
    sql_type: str
    comment: str
    random: bool = False


@dataclass(frozen=True)
class Table:
    """`schema.name`, its columns and its meaning. `public`: it stands in the shareable database.
    `guarded`: with what disclosure control leaves of it."""

    schema: str
    name: str
    comment: str
    columns: tuple[Column, ...]
    public: bool = True
    guarded: bool = False

    @property
    def full_name(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def shareable(self) -> Table:
        """Where its rows stand in the work file as they may be shared."""
        return self._beside("shareable")

    def of(self, edition: str) -> Table:
        """Where its rows stand there as an edition may have them."""
        return self._beside(edition)

    def _beside(self, kind: str) -> Table:
        if not self.guarded:
            return self
        return replace(self, schema="build", name=f"{kind}_{self.name}")


def _columns(text: str) -> tuple[Column, ...]:
    """Read `name TYPE meaning` lines."""
    parts = (line.strip().split(" ", 2) for line in text.strip().splitlines())
    return tuple(Column(name, sql_type, comment) for name, sql_type, comment in parts)


INDICATOR_VALUE = Table(
    "mart",
    "indicator_value",
    "One row an indicator, area, period and dimension value: the figure and its 95 % interval.",
    _columns("""
        indicator VARCHAR Key of the indicator, see meta.indicator
        area_code VARCHAR Area, see meta.area
        area_name VARCHAR Name of the area
        area_type VARCHAR Kind of the area
        period VARCHAR Label: 2014-15 a financial year, 2014M09 a month, 2014Q3 a quarter, 2015CY …
        period_kind VARCHAR year, quarter, month, calendar_year, twelve_months, years_together …
        dimension VARCHAR Breakdown; all for the whole
        dimension_value VARCHAR Member of the breakdown; all for the whole
        period_start DATE First day of the period
        period_end DATE Last day of the period
        coverage_start DATE First day that the extracts cover
        coverage_end DATE Last day that the extracts cover
        complete BOOLEAN The extracts cover the whole period
        numerator DOUBLE Events counted; as printed beside it where the value is a published one
        denominator DOUBLE What they are divided by; null for a plain count
        value DOUBLE numerator / denominator × scale, or as published; null where it is not known
        lower_95 DOUBLE Lower limit of the 95 % interval
        upper_95 DOUBLE Upper limit of the 95 % interval
        unit VARCHAR Unit of the value
        obs_status VARCHAR SDMX: A normal, B break, E estimated in part, M missing, C suppressed
        suppressed_reason VARCHAR Why a value is null
        extracted_on DATE Day of extraction of its least settled part; unless stated, of receipt
        denominator_vintage VARCHAR Edition of the population estimates
        months_covered INTEGER Months of the period that the extracts cover
        maturity_days INTEGER Days that its least settled part had until extraction, if stated
        series_break VARCHAR Ids of the material changes between it and the value before it
    """),
    guarded=True,
)

FINDING = Table(
    "mart",
    "finding",
    "One row a comparison of a value: with an earlier period, with the four years before it, or "
    "with the peer group.",
    _columns("""
        indicator VARCHAR Key of the indicator
        area_code VARCHAR Area
        area_name VARCHAR Name of the area
        dimension VARCHAR Breakdown; all for the whole
        dimension_value VARCHAR Member of the breakdown
        comparison VARCHAR previous_period, previous_year, five_years, trend, baseline:YEAR …
        comparator VARCHAR What the value is compared with: a period or a dated peer group
        period VARCHAR Period of the value
        base_period VARCHAR Period compared with; null for a rank
        value DOUBLE The value, over the months that are compared
        base_value DOUBLE The value compared with, over the like months
        change DOUBLE Change from base_value to value
        change_unit VARCHAR percent, or percentage points for a proportion
        change_lower_95 DOUBLE Lower limit of the 95 % interval of the change
        change_upper_95 DOUBLE Upper limit of the 95 % interval of the change
        significance VARCHAR better, worse, higher, lower, similar, or not compared
        rank_high INTEGER Rank with 1 = highest value
        rank_best INTEGER Rank with 1 = best by polarity; null where neither end is good
        rank_of INTEGER Number of areas ranked
        rank_lower_95 INTEGER Lower limit of rank_high at 95 %; of rounding, where without counts
        rank_upper_95 INTEGER Upper limit of rank_high at 95 %; of rounding, where without counts
        status VARCHAR comparable, or why not: part_year, definition_changed, suppressed …
        broken_by VARCHAR Changes in between, by id, denominator_vintage; of a rank: since the last
        sentence VARCHAR The finding in words
        compared_start DATE First day of the months compared
        compared_end DATE Last day of the months compared
        maturity_days INTEGER Days that the value had to settle until it was extracted
        base_maturity_days INTEGER The same of the base; null for a rank
        maturity_note VARCHAR Where they had unequal time to settle: how long, and what may change
        printed_note VARCHAR Where an earlier assessment printed another figure of the base
        comparable_change DOUBLE Of a broken change: in per cent, on one definition; null: not known
        comparable_lower_95 DOUBLE Lower limit of its 95 % interval
        comparable_upper_95 DOUBLE Upper limit of its 95 % interval
        comparable_rests_on VARCHAR Reference indicators that it rests on, parted by +
        comparable_note VARCHAR The same in words, with what the references did meanwhile
        waived_by VARCHAR Waivers in force that accept the broken comparison, see meta.waiver
    """),
    guarded=True,
)

REVISION = Table(
    "mart",
    "revision",
    "One row an indicator, area and period of which a part was extracted more than once: the "
    "figure by the first extract of each part, and as it stands.",
    _columns("""
        indicator VARCHAR Key of the indicator
        area_code VARCHAR Area
        area_name VARCHAR Name of the area
        period VARCHAR Period of both figures
        first_value DOUBLE The figure by the first extract of each part
        first_numerator DOUBLE Events counted in it
        first_denominator DOUBLE What they are divided by; null for a plain count
        first_extracted_on DATE First day on which what came again was extracted
        value DOUBLE The figure as it stands, see mart.indicator_value
        extracted_on DATE Newest day on which any of it was extracted again
        change DOUBLE Change from first_value to value; null where a figure is missing, or on 0
        change_unit VARCHAR percent, or percentage points for a proportion
        sentence VARCHAR Both figures in words
        synthetic BOOLEAN Computed from made-up extracts
        period_kind VARCHAR year, quarter, month …
    """),
    guarded=True,
)

PRINTED = Table(
    "mart",
    "printed",
    "One row a figure that an earlier assessment printed, beside the same as it stands.",
    _columns("""
        indicator VARCHAR Key of the indicator
        area_code VARCHAR Area
        area_name VARCHAR Name of the area
        period VARCHAR Period of both figures
        assessment VARCHAR Year of the assessment that printed it
        printed_on DATE Day on which that was published
        printed_value DOUBLE The figure as printed
        value DOUBLE The figure as it stands, see mart.indicator_value
        change DOUBLE From what was printed to the like rounding of value; null without, or on 0
        change_unit VARCHAR percent, or percentage points for a proportion
        sentence VARCHAR Both figures in words
        synthetic BOOLEAN Computed from made-up extracts
    """),
    guarded=True,
)

BREAK_ESTIMATE = Table(
    "mart",
    "break_estimate",
    "One row a series, catalogued change, date to test and reference, one more for what its "
    "references say together, and one a series without a change: the largest step that no "
    "catalogued date explains. A step is one of recorded / reference, so that crime itself cancels "
    "out. Of dates within twelve months of one another there are rows together too, and one from "
    "each whole year to each later one that a change lies between.",
    _columns("""
        series VARCHAR Recorded series, see meta.series
        area_code VARCHAR Area
        reference VARCHAR Reference indicator; several parted by +: what they say together
        change_id VARCHAR Change, see meta.definitional_change; several parted by blanks, or null
        effective_date DATE Date tested, or month in which the largest step starts
        method VARCHAR test_at a date, test_together, between_years, annual (no months), scan
        step DOUBLE Size of the step, natural logarithm: 0.182 is up by 20 %; null: cannot tell
        lower_95 DOUBLE Lower limit of its 95 % interval, which allows for an error of the reference
        upper_95 DOUBLE Upper limit of its 95 % interval
        flagged BOOLEAN The step is beyond chance
        verdict VARCHAR flagged, not_flagged, cannot_tell or references_disagree
        recording_share DOUBLE Share of the change of the counts due to recording; null: share_note
        indicator VARCHAR Indicator of the recorded series, whose months are judged
        area_name VARCHAR Name of the area
        combined BOOLEAN What all references that can be used say together
        strength VARCHAR strong or weak reference; of a weak one no share is given
        effective_last DATE Last of the dates, where several are taken together
        beside VARCHAR Other known dates of the series and the reference, that got their own steps
        direction VARCHAR up, down or none beyond chance; null: cannot tell
        percent DOUBLE The step in per cent
        percent_lower_95 DOUBLE Lower limit in per cent
        percent_upper_95 DOUBLE Upper limit in per cent
        months_before BIGINT Months with figures before, up to the next known change
        months_after BIGINT Months with figures after, up to the next known change
        total DOUBLE Change of the counts as recorded, natural logarithm: like months before, after
        total_lower_95 DOUBLE Lower limit of its 95 % interval
        total_upper_95 DOUBLE Upper limit of its 95 % interval
        share_note VARCHAR Why there is no share, or that it was clipped
        recording_share_lower_95 DOUBLE The share by the lower limit of the step, clipped as it is
        recording_share_upper_95 DOUBLE The share by its upper limit
        covered_by VARCHAR Of a scan: changes and events in whose time the step lies; null: none
        reason VARCHAR The verdict in words: what chance alone would give, or what is missing
        synthetic BOOLEAN Computed from made-up extracts
        base_period VARCHAR Earlier year, of between_years and annual
        period VARCHAR Later year, of between_years and annual
        national DOUBLE Of total, what the mean of the peers did too, natural logarithm
        local DOUBLE The rest of total, natural logarithm
        peers_note VARCHAR By how many peers, or why the two cannot be told apart
    """),
    guarded=True,
)

COMPARABLE_VALUE = Table(
    "mart",
    "comparable_value",
    "One row a year or month of an indicator of the assessed area whose series has references: the "
    "figure as recorded, and on the definition of the newest whole financial year.",
    _columns("""
        indicator VARCHAR Key of the indicator, see meta.indicator
        area_code VARCHAR Area
        area_name VARCHAR Name of the area
        period VARCHAR Label of the period
        period_kind VARCHAR year or month
        dimension VARCHAR Breakdown; all for the whole
        dimension_value VARCHAR Member of the breakdown; all for the whole
        value DOUBLE The figure as recorded, see mart.indicator_value
        comparable_value DOUBLE The same on the newest definition: value x exp(step); null: status
        lower_95 DOUBLE Lower limit of its 95 % interval: chance and the error of the step
        upper_95 DOUBLE Upper limit of its 95 % interval
        unit VARCHAR Unit of both
        definition_of VARCHAR Financial year whose definition it is, as recorded in it
        changes VARCHAR Definitional changes that are allowed for, parted by blanks
        step DOUBLE Step from the period to that year, natural logarithm; 0 where nothing changed
        status VARCHAR as_recorded, estimated, cannot_tell or no_value
        reason VARCHAR Why it cannot be told, or what the estimate rests on
        reference VARCHAR References that the step was sized by
        strength VARCHAR strong or weak reference
        estimated_from VARCHAR Indicator of the same series whose months gave the step
        synthetic BOOLEAN Computed from made-up extracts
        period_start DATE First day of the period
    """),
    guarded=True,
)

CLAIM = Table(
    "mart",
    "claim",
    "One row a sentence with a number in the published assessment, recomputed from the extracts.",
    _columns("""
        claim VARCHAR Key of the claim: C01 …
        statement VARCHAR The sentence
        published VARCHAR The number that it states; null where it states none
        computed DOUBLE The same from the extracts, by the reading named; null where there is none
        verdict VARCHAR reproduced, differs, not_computable or not_comparable: of the arithmetic
        reason VARCHAR Why not, or what else the sentence could mean, with its figures; caveats
        comparability VARCHAR comparable or definition_changed; null where nothing is compared
        broken_by VARCHAR Definitional changes between the periods compared
        indicator VARCHAR Indicator that it is computed from
        synthetic BOOLEAN Computed from made-up extracts
        section VARCHAR Part of the assessment in which it stands
        unit VARCHAR Unit of both numbers
        reading VARCHAR How the sentence is understood where it is computed
        computed_lower_95 DOUBLE Lower limit of its 95 % interval; null where there is none
        computed_upper_95 DOUBLE Upper limit of its 95 % interval; null where there is none
    """),
    guarded=True,
)

TARGET = Table(
    "mart",
    "target",
    "One row a measure of a target in the published assessment's table of actions.",
    _columns("""
        target VARCHAR Key of the target
        priority VARCHAR Priority under which it stands
        action VARCHAR Key action
        lead_agency VARCHAR Who leads
        lead_partnership VARCHAR Group that answers for it
        baseline DOUBLE Figure from which it starts
        target_value DOUBLE Figure to be reached, or to be bettered where it is the baseline
        current DOUBLE Newest figure that is not after the target's date
        verdict VARCHAR met, not_met, not_shown, not_measurable or not_like_for_like
        reason VARCHAR Why, with the change and its interval; caveats
        claim VARCHAR Sentence that states it, see mart.claim
        measure VARCHAR How it is measured, in words
        indicator VARCHAR Indicator that it is measured by
        base_period VARCHAR Period of the baseline
        period VARCHAR Period of the current figure
        due VARCHAR Financial year in which it ends
        change_lower_95 DOUBLE Lower limit of the 95 % interval of the change since the baseline
        change_upper_95 DOUBLE Upper limit of the 95 % interval of the change since the baseline
        synthetic BOOLEAN Computed from made-up extracts
    """),
    guarded=True,
)

DRAFT = Table(
    "mart",
    "draft",
    "One row a sentence of the published assessment, drafted for the year of the release.",
    _columns("""
        assessment VARCHAR Year of the published assessment
        claim VARCHAR Key of the sentence, see mart.claim
        section VARCHAR Part of the assessment in which it stands
        year VARCHAR Financial year that is drafted
        sentence VARCHAR The draft; a direction only where chance and definitions allow one
        statement VARCHAR The sentence as it was published for the year of the assessment
        indicator VARCHAR Indicator that it states; the first, where a target has several measures
        area_code VARCHAR Area of which it speaks
        figure VARCHAR value, count, change …, rank_high …, place_among, members or target
        period VARCHAR Period of the figure
        base_period VARCHAR Earlier period of a change, or in which a target starts
        unit VARCHAR Unit of value and base_value
        value DOUBLE Figure of the period; of a change of counts the count
        lower_95 DOUBLE Lower limit of its 95 % interval
        upper_95 DOUBLE Upper limit of its 95 % interval
        base_value DOUBLE Figure of the earlier period
        change DOUBLE Change between them; against peers: above the middle one of theirs
        change_lower_95 DOUBLE Lower limit of its 95 % interval
        change_upper_95 DOUBLE Upper limit of its 95 % interval
        change_unit VARCHAR percent, percentage points, or the unit of the value
        rank DOUBLE Place, counted from the end that figure names
        rank_of INTEGER Number of areas, or of problems, that have a place
        rank_lower_95 DOUBLE Lower limit of the place at 95 %; of rounding, where without counts
        rank_upper_95 DOUBLE Upper limit of the place at 95 %; of rounding, where without counts
        status VARCHAR comparable, definition_changed, stated, target, no_figure or not_computable
        broken_by VARCHAR Definitional changes between the periods compared
        rests_on VARCHAR Figure, indicator, area and periods in words
        figures VARCHAR Every value in or behind the sentence: indicator/area/period, with blanks
        caveat VARCHAR What the analyst must mind of the published sentence
        synthetic BOOLEAN Drafted from made-up extracts
    """),
    guarded=True,
)

EXTRACT = Table(
    "meta",
    "extract",
    "One row a file under raw/: what became of it. rows_read = valid + quarantined + excluded.",
    _columns("""
        extract_id VARCHAR Key of the extract: hash of its path and content
        source VARCHAR Source that reads it; null where none does
        file VARCHAR Path below raw/
        sha256 VARCHAR Hash of the file's bytes
        bytes BIGINT Size
        rows_read BIGINT Physical rows, heads and blank rows included
        rows_valid BIGINT Rows that count in this release
        rows_quarantined BIGINT Rows refused, see quarantine.<source> in the restricted database
        rows_excluded BIGINT Heads, blank and folded rows, and units that another extract delivers
        status VARCHAR read, superseded, refused, unrecognised or withdrawn
        received_at DATE Date of receipt: as the manifest says, else of the file
        message VARCHAR Why, in words, where the file or a sheet of it is not read
        layout VARCHAR Layout by which it was read
        vouched BOOLEAN A manifest beside it speaks of it
        synthetic BOOLEAN It holds made-up rows
    """),
    guarded=True,
)

EXTRACT_SHEET = Table(
    "meta",
    "extract_sheet",
    "The ledger by extract and sheet; rows_read is counted independently of the loader.",
    _columns("""
        extract_id VARCHAR Extract
        sheet VARCHAR Sheet; empty for a text file
        rows_read BIGINT Physical rows
        rows_valid BIGINT Rows that count in this release
        rows_quarantined BIGINT Rows refused
        rows_excluded BIGINT All rows excluded: the sum of the columns excluded_…
        excluded_layout BIGINT Heads, titles and notes, and all rows of a sheet that is not read
        excluded_blank BIGINT Blank rows
        excluded_superseded BIGINT Rows of units that another extract delivers
        excluded_other BIGINT Rows that the layout leaves out, such as those of other items
        excluded_folded BIGINT Rows put together with an earlier row of the same thing
        layout VARCHAR Layout that reads the sheet; null where none does
        message VARCHAR Why the sheet is not read
        excluded_corrected BIGINT Rows that a correction leaves out, see meta.correction
    """),
    guarded=True,
)

DRIFT = Table(
    "meta",
    "drift",
    "How the head of a sheet differs from the layout that reads it; safecity drift says more.",
    _columns("""
        extract_id VARCHAR Extract
        sheet VARCHAR Sheet; empty for a text file
        layout VARCHAR Layout that reads it
        kind VARCHAR new: a head of which the layout says nothing; absent: a column without a head
        name VARCHAR The supplier's head, or our column
    """),
)

EXTRACT_UNIT = Table(
    "meta",
    "extract_unit",
    "What each extract delivers, by unit; every unit is counted once.",
    _columns("""
        extract_id VARCHAR Extract
        unit VARCHAR Table and geography or supplier
        period VARCHAR Period of the unit
        rows BIGINT Clean rows of the unit in this extract
        status VARCHAR counted or superseded
        superseded_by VARCHAR Extract whose rows count instead
        reason VARCHAR Why the other extract goes first
    """),
    guarded=True,
)

ARRIVAL = Table(
    "meta",
    "arrival",
    "The arrival board: one row a source and period that the assessment waits for, or that came. "
    "Status: arrived, arrived_late, came_with_later (in a file of later periods; when it first "
    "came is not known), covered, superseded; missing (between periods that came), overdue, "
    "incomplete; due, not_over; never_arrived (nothing of the source), outside (not these years).",
    _columns("""
        source VARCHAR Source, see meta.source
        supplier VARCHAR Who publishes or sends it
        period VARCHAR Label of the period; null where nothing of the source came
        period_start DATE First day of the period
        period_end DATE Last day of the period
        due_on DATE Day by which its extract is due; null where none is declared
        arrived_on DATE Day on which the first extract that makes it whole came; null: not known
        arrived_by VARCHAR What that day is, as stated: received, published or extracted
        status VARCHAR arrived, missing, overdue …: see the table
        days_late BIGINT Days from due_on to arrived_on, or to as_of where it is not here
        extracts VARCHAR Extracts whose rows count, by id, parted by commas
        rows BIGINT Their rows of the period
        areas BIGINT Areas or bodies of which it tells
        areas_missing BIGINT Areas of which other periods tell, and this one does not
        delivered VARCHAR whole, part, covered (by other rolling periods) or none
        later_came BOOLEAN A later period of the same length came
        note VARCHAR What else to know: without the assessed area, 8 of 12 months …
        as_of DATE Day on which it is judged what is due
        synthetic BOOLEAN Made from made-up extracts
    """),
    guarded=True,
)

CHECK_RESULT = Table(
    "meta",
    "check_result",
    "Outcome of every check of the refresh that made this release.",
    _columns("""
        run_id VARCHAR Refresh that ran the check
        source VARCHAR Source, or the part of the pipeline, that the check speaks of
        check_name VARCHAR Name of the check
        period VARCHAR Period, where the check is about one
        severity VARCHAR ERROR stops the publication, WARN does not
        passed BOOLEAN It holds
        failed_rows BIGINT Rows for which it does not
        message VARCHAR In words, without any cell's value
        waived_by VARCHAR Waivers in force that accept that it fails, see meta.waiver
    """),
    guarded=True,
)

CORRECTION = Table(
    "meta",
    "correction",
    "Known errors of extracts that are corrected until their supplier mends them; what the cells "
    "held stands in the restricted database, in quarantine.correction.",
    _columns("""
        correction VARCHAR Key of the correction
        source VARCHAR Source that it corrects
        action VARCHAR replace, multiply or exclude: what is done with a cell, or a row
        column_name VARCHAR Column that is changed; null where rows are left out
        files VARCHAR Pattern of the files of which it speaks; null for any
        sha256 VARCHAR Beginning of the hash of the extract of which it speaks; null for any
        status VARCHAR applied; else nothing is published: mended, overlap, part or unmatched
        extracts BIGINT Extracts with rows that it changes
        rows BIGINT Rows that it changes, or leaves out
        reason VARCHAR What is wrong
        reported_on DATE Day on which the supplier was told
        reported_to VARCHAR Who was told: a role or a body, never a person
        place VARCHAR File and entry
        synthetic BOOLEAN It corrects made-up extracts
    """),
    guarded=True,
)

WAIVER = Table(
    "meta",
    "waiver",
    "Failing checks and broken comparisons that a role accepts until a day, as declared.",
    _columns("""
        waiver VARCHAR Key of the waiver
        status VARCHAR active; expired, exceeded: it counts no more; unmatched: it accepts nothing
        check_name VARCHAR Check that it accepts; null where it accepts comparisons
        source VARCHAR Source, or the part of the pipeline, of that check
        indicator VARCHAR Indicator of the comparisons that it accepts
        comparison VARCHAR Their kind, as previous_year; null for any
        period VARCHAR Period of the check or the comparisons; null for any
        base_period VARCHAR Base of the comparisons; null for any
        change_id VARCHAR Definitional change that breaks them; null for any
        role VARCHAR Who accepts it: a role, never a person
        reason VARCHAR Why
        accepted_on DATE Day on which it was accepted
        until DATE Last day on which it holds
        matches BIGINT Checks that fail, or comparisons that are broken, of which it speaks
        as_of DATE Day on which its status is judged
        place VARCHAR File and entry
        at_most BIGINT Failed rows of the check that it accepts; null for however many
    """),
)

SOURCE = Table(
    "meta",
    "source",
    "The kinds of extract that are known.",
    _columns("""
        source VARCHAR Key of the source
        title VARCHAR In words
        supplier VARCHAR Who publishes or sends it
        licence VARCHAR Terms of use
        cadence VARCHAR How often it comes
        audience VARCHAR Who may see a figure of it: public, partners or analysts
        disclosure VARCHAR Rule of disclosure control
        rules_hash VARCHAR Hash of everything that decides how its extracts are read
        minimum_rows BIGINT Rows that an extract has at least
        maximum_rows BIGINT Rows that an extract has at most
        due_days BIGINT Days after the end of a period within which its extract is due
        assurance VARCHAR A0 none, A1 basic, A2 enhanced, A3 comprehensive: of its quality
        sensitivity VARCHAR Of its rows: public, official, official-sensitive or personal
        link_domain VARCHAR Sources of one domain share the pseudonyms of persons; null: no persons
        settles_after BIGINT Days after a period until its rows change no more; null: none change
        layouts_hash VARCHAR Hash of its layouts
        embargo_until DATE First day on which the public may see a figure of it; null: any
    """),
)

INDICATOR = Table(
    "meta",
    "indicator",
    "The declared indicators and the statements that compute them.",
    _columns("""
        indicator VARCHAR Key of the indicator
        title VARCHAR In words
        subject VARCHAR Subject under which it is declared
        unit VARCHAR Unit of its values
        series VARCHAR Concept that definitional changes refer to
        polarity VARCHAR low_is_good, high_is_good or none
        disclosure VARCHAR Rule of disclosure control of its sources
        sql VARCHAR Statement over the restricted database that gives numerator and denominator
        kind VARCHAR rate, proportion or count
        per BIGINT Scale
        peer_group VARCHAR Peer group in which it is ranked
        notes VARCHAR What a reader must know
        declared VARCHAR Hash of its whole declaration
        audience VARCHAR Who may see its figures: the strictest of its sources'
        embargo_until DATE First day on which the public may; the last of its sources'; null: any
    """),
)

LINEAGE = Table(
    "meta",
    "lineage",
    "Where each published column comes from. Of mart.indicator_value one row a column, indicator "
    "and part of it; of the other tables of mart one row a column, with the tables it rests on.",
    _columns("""
        table_name VARCHAR Table of the published column
        column_name VARCHAR The published column
        indicator VARCHAR Indicator, see meta.indicator; null: the column is made alike for all
        part VARCHAR value, numerator or denominator: whose rows are asked; null where none are
        made_by VARCHAR How the column is made, in words
        statement_columns VARCHAR[] Columns of the answer of meta.indicator.sql that it is made from
        rests_on VARCHAR[] Tables that it is made from, those of the rows first
        source VARCHAR Source of the rows, see meta.source
        clean_table VARCHAR Table of the rows, in the restricted database
        clean_columns VARCHAR[] Columns of that table that are asked
        heads VARCHAR[] The supplier's heads of these columns, as the layouts name them
        layouts VARCHAR[] Layouts by which the extracts were read
        extracts VARCHAR[] Extracts whose rows count in this release: meta.extract, extract_sheet
        within VARCHAR Rows of which time: period, year_of_period (a stock) or any
        geography VARCHAR Units of which place, by unit: area, area_and_parts, home_force or any
    """),
)

SERIES = Table(
    "meta",
    "series",
    "Concepts that indicators measure and definitional changes refer to, whatever the source.",
    _columns("""
        series VARCHAR Dotted name; what stands below it is part of it
        title VARCHAR In words
        parked VARCHAR Why no indicator uses it yet
        also VARCHAR Series that it mixes
    """),
)

DEFINITIONAL_CHANGE = Table(
    "meta",
    "definitional_change",
    "Dated changes of what is counted, and which series they reach.",
    _columns("""
        id VARCHAR Key of the change, as in mart.finding.broken_by
        effective_date DATE Day on which it took effect
        effective_first DATE First such day, where it came over months
        effective_last DATE Last such day
        test_dates VARCHAR Dates at which a break may be tested
        kind VARCHAR Counting rule, classification, collection, law, measure, geography …
        what_changed VARCHAR In words
        in_short VARCHAR The same for residents, as sentences say it
        series_scope VARCHAR Series reached: name, =name, !name, @source
        materiality VARCHAR material breaks a comparison; negligible and event are noted
        affects VARCHAR What it affects, in words
        claims VARCHAR Claims of the 2014/15 assessment that it bears on
        area_scope VARCHAR national, force, supplier (who sends a source for one area), or one area
        area_code VARCHAR The one area, where it is one
        expected_direction VARCHAR Up, down or neither
        size_if_published VARCHAR Size, where somebody published one
        back_series VARCHAR Whether a back series exists
        handling VARCHAR What to do about it
        source_name VARCHAR Where it is stated
        status VARCHAR sure, or to verify
        nature VARCHAR The kind in freer words, where there are any
        reference_series VARCHAR Series that it leaves as they were, and that can show its size
        declared_by VARCHAR package, or deployment: a row of its own definitional_changes.csv
    """),
)

CLASSIFICATION_CHANGE = Table(
    "meta",
    "classification_change",
    "One row a change of a source's categories, as the extracts alone show it: found, sized, and, "
    "where no row of meta.definitional_change covers it, proposed as one.",
    _columns("""
        source VARCHAR Source, see meta.source
        classification VARCHAR Column that holds the categories
        kind VARCHAR renamed, respelt, split, merged, redrawn, appeared, vanished or emptied
        old_categories VARCHAR[] Categories that ended; of emptied: listed, and not counted any more
        new_categories VARCHAR[] Categories that began; of emptied: counted instead
        changed_in_part VARCHAR[] Categories that stayed, and lost or gained a part
        period VARCHAR Label of the first period that shows it
        first_day DATE First day on which it may have happened; of emptied: known no earlier
        last_day DATE Last such day
        areas BIGINT Areas and bodies that show it
        areas_of BIGINT Areas and bodies that count these categories and could show it
        count_before DOUBLE What the old ones counted before; null where counts are not for all
        count_after DOUBLE What the new ones counted after, over as long a time
        counted_before VARCHAR The time of count_before, in words
        counted_after VARCHAR The time of count_after, in words
        share DOUBLE The larger of both counts as a part of all that the same areas counted, 0 to 1
        expected_by VARCHAR Definitional changes that cover it, by id; null: it is new
        what VARCHAR When, where, what and how large, in words
        proposed_id VARCHAR Key of the proposed row; null where it is expected
        proposed_row VARCHAR A row for definitional_changes.csv, to verify; null where expected
        crosswalk VARCHAR Lines change,source,column,old,new,share,lower_95,upper_95,status
        synthetic BOOLEAN Found in made-up extracts
    """),
    guarded=True,
)

PEER = Table(
    "meta",
    "peer",
    "Peer groups: dated lists of most similar areas.",
    _columns("""
        peer_group VARCHAR Key of the group
        version VARCHAR Version of its membership
        area_code VARCHAR Area whose peers these are
        peer_code VARCHAR A peer
        applies_from DATE First day; null for open
        applies_to DATE Last day; null for open
        source VARCHAR Where the membership is stated
        stand_in_code VARCHAR Upper-tier area that stands in where a table does not know the peer
    """),
)

AREA = Table(
    "meta",
    "area",
    "Areas of England and Wales, and bodies without an area.",
    _columns("""
        area_code VARCHAR Code
        area_name VARCHAR Name
        area_type VARCHAR local_authority, county, csp, police_force, (sub)region, country, body
        country VARCHAR E or W
        region_code VARCHAR Region
        force_code VARCHAR Home force
        csp_code VARCHAR Community Safety Partnership
        start_date DATE First day; null for before 2009
        end_date DATE Last day; null while it exists
        successors VARCHAR Codes of the areas that followed it
        aliases VARCHAR Other spellings, separated by |
    """),
)

AREA_MEMBER = Table(
    "meta",
    "area_member",
    "Which local authorities made up an area, by date of the geography.",
    _columns("""
        area_code VARCHAR Area
        as_of DATE Date of the geography
        member_code VARCHAR Local authority
    """),
)

RELEASE = Table(
    "meta",
    "release",
    "The release that this database belongs to: one row.",
    _columns("""
        stamp VARCHAR Name of the release
        area_code VARCHAR Area that the assessment is about
        area_name VARCHAR Its name
        year VARCHAR Financial year of the assessment
        synthetic BOOLEAN Made from made-up extracts
        code VARCHAR Version of the pipeline and hash of its code
        configuration VARCHAR Hash of the settings
        registry VARCHAR Hash of layouts, indicators, areas and peers
        extracts VARCHAR Hash of all extracts and their manifests
        published_at TIMESTAMP Time of publication (UTC)
        key_id VARCHAR Tells the key behind the pseudonyms of persons from others; empty without one
        waivers VARCHAR Hash of the waivers in force, which expire by themselves
        as_of DATE Day that the settings name for judging what is due; null: none
        judged_on DATE Day on which it was judged what is due and which waivers hold
        code_of_values VARCHAR Hash of the code that a value rests on
        code_of_findings VARCHAR Hash of the code that a finding rests on
        packages VARCHAR Packages that it was computed with, and their versions
        assessments VARCHAR Hash of the sentences and targets declared of published assessments
        embargoes VARCHAR Hash of the sources under embargo, which end by themselves
        edition VARCHAR public, partners (OFFICIAL-SENSITIVE) or restricted: for whom this file is
    """),
)

RUN_COST = Table(
    "meta",
    "run_cost",
    "What each step of the refresh cost, but the publication: it ends only after this is written.",
    _columns("""
        step VARCHAR Step
        seconds DOUBLE Wall-clock seconds
        rows BIGINT Rows read or made by the step; 0 where what was there still held
        peak_megabytes DOUBLE Largest resident memory during the step (macOS: so far) of one process
        cpu_seconds DOUBLE Processor seconds, of programs that read workbooks too
        rows_per_second DOUBLE rows / seconds; null where there were none
    """),
    guarded=True,
)

TABLES = (
    INDICATOR_VALUE,
    FINDING,
    REVISION,
    PRINTED,
    BREAK_ESTIMATE,
    COMPARABLE_VALUE,
    CLAIM,
    TARGET,
    DRAFT,
    EXTRACT,
    EXTRACT_SHEET,
    DRIFT,
    EXTRACT_UNIT,
    ARRIVAL,
    CHECK_RESULT,
    WAIVER,
    CORRECTION,
    SOURCE,
    INDICATOR,
    LINEAGE,
    SERIES,
    DEFINITIONAL_CHANGE,
    CLASSIFICATION_CHANGE,
    PEER,
    AREA,
    AREA_MEMBER,
    RELEASE,
    RUN_COST,
)


KEYS: dict[str, tuple[str, ...]] = {
    INDICATOR_VALUE.full_name: ("indicator", "area_code", "period", "dimension", "dimension_value"),
    REVISION.full_name: ("indicator", "area_code", "period"),
    PRINTED.full_name: ("indicator", "area_code", "period", "assessment"),
    COMPARABLE_VALUE.full_name: (
        *("indicator", "area_code", "period"),
        *("dimension", "dimension_value"),
    ),
    CLAIM.full_name: ("claim",),
    DRAFT.full_name: ("assessment", "claim"),
    EXTRACT.full_name: ("extract_id",),
    EXTRACT_SHEET.full_name: ("extract_id", "sheet"),
    SOURCE.full_name: ("source",),
    INDICATOR.full_name: ("indicator",),
    SERIES.full_name: ("series",),
    DEFINITIONAL_CHANGE.full_name: ("id",),
    PEER.full_name: ("peer_group", "version", "area_code", "peer_code"),
    AREA.full_name: ("area_code",),
    AREA_MEMBER.full_name: ("area_code", "as_of", "member_code"),
    RELEASE.full_name: ("stamp",),
    RUN_COST.full_name: ("step",),
}
"""Tables that have columns, never null, in which no two of their rows agree."""

_OF_FIGURES = {"indicator": INDICATOR, "area_code": AREA}

REFERENCES: dict[str, dict[str, Table]] = {
    INDICATOR_VALUE.full_name: _OF_FIGURES,
    FINDING.full_name: _OF_FIGURES,
    REVISION.full_name: _OF_FIGURES,
    PRINTED.full_name: _OF_FIGURES,
    COMPARABLE_VALUE.full_name: _OF_FIGURES,
    EXTRACT_SHEET.full_name: {"extract_id": EXTRACT},
    EXTRACT_UNIT.full_name: {"extract_id": EXTRACT},
    DRIFT.full_name: {"extract_id": EXTRACT},
    AREA_MEMBER.full_name: {"area_code": AREA},
}
"""Columns whose every value is the key of a row of another table, by the table that they are in."""

CODES: dict[str, dict[str, str]] = {
    "obs_status": {
        "A": "a normal value",
        "B": "a break: on another definition than the value before it, see series_break",
        "C": "confidential: withheld, or suppressed by its publisher, see suppressed_reason",
        "E": "an estimate of its supplier, or resting on one in part",
        "M": "missing: not received, or not to be computed, see suppressed_reason",
    },
}
"""Columns of codes, and what each code means: SDMX's observation status."""


def create_once(table: Table) -> str:
    """DDL and comments of one table; one that is there keeps its rows."""
    return _declared(table, "CREATE TABLE IF NOT EXISTS")


def create(table: Table) -> str:
    """DDL and comments of one table; an existing table is replaced."""
    return _declared(table, "CREATE OR REPLACE TABLE")


def _declared(table: Table, create: str) -> str:
    columns = ", ".join(
        f'"{column.name}" {column.sql_type}' + " USING COMPRESSION uncompressed" * column.random
        for column in table.columns
    )
    statements = [f"{create} {table.full_name} ({columns})"]
    statements.append(f"COMMENT ON TABLE {table.full_name} IS {quoted(table.comment)}")
    statements += [
        f'COMMENT ON COLUMN {table.full_name}."{column.name}" IS {quoted(column.comment)}'
        for column in table.columns
    ]
    return ";\n".join(statements)


def quoted(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"
