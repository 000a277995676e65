"""Classification watch: categories of an extract that come, go, or are divided anew, and what they
became.

    spelling    one category written in several ways
    counts      what was counted, by area, period and category
    edges       where a category begins or ends, beyond chance
    partners    which that went belong to which that came: conservation, and the shares
    changes     all of it: a source's counts → the changes of its categories
    proposal    a change → a row of definitional_changes.csv, and a crosswalk
    expected    which row of the catalogue covers a change
    looking     from the clean rows of a source to all of it
    told        rows of meta.classification_change, and the check

Belongs here: what the extracts themselves say of their categories. Does not belong here: what a
change of definition breaks (`breaks`), how large a change of recording is (`detection`), and
columns that come and go (`ingest.drift`).
"""
