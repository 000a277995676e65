"""What people are handed of a release, beside its databases: made of what may be shared alone.

    edition         for whom one is made, its folder and its database, open for reading
    audit           the attack on what is to be published, before anybody may see it
    differences     rows that differ between two releases
    causes          why, by what both releases know
    changes_page    both told: what changed since the release before
    lineage_page    every indicator down to clean columns, heads and files
    plain_page      the frame of such pages
    shorthand       marks in the place of a figure, and what each means
    harmless        texts that no spreadsheet takes for a formula
    data/           every table as CSV, described for programs and for people
    workbook/       one marked table a sheet, to the guidance on accessible spreadsheets
    products        what is written for each edition, in order
    narrative       the analyst's own words with their figures, and what to read again of them:
                    named, words for one key; markdown, the rest of the text
    patterns        when and where: month of the year, hour of the week, ward, and the fewest LSOAs
                    that hold half of the crime
    gaps            what is not known, and why, in sentences
    report/         the assessment as one page, its charts, the leaflet for residents
    latest          plain copies under names that never change

Belongs here: files that people open (report, workbook, open data), and what is proven of a release
before anybody may see it. Does not belong here: any figure (`measure`, `compare`), any wording of
one (`sentences`, `drafts`), and what may be shared (`shareable`).
"""
