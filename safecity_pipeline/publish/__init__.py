"""What people are handed of a release, beside its databases: made of what may be shared alone.

    edition         for whom one is made, its folder and its database, open for reading
    products        what is written for each edition, in order
    report/         the assessment as one page, its charts, the leaflet for residents

Belongs here: files that people open (report, workbook, open data), and what is proven of a release
before anybody may see it. Does not belong here: any figure (`measure`, `compare`), any wording of
one (`sentences`, `drafts`), and what may be shared (`shareable`).
"""
