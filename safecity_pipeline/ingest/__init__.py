"""From an extract to clean rows: survey → lines → parse → rules → load → units.

`survey` finds files and recognises them; `lines` counts and mends physical lines; `parse` turns
text into value and status; `rules` runs a source's pandera model over distinct values; `load`
splits rows into clean and quarantine and keeps the ledger; `units` decides which of two
deliveries of the same unit counts. Beside that road, for `safecity drift`: `peek` looks into a
file, `likeness` scores how alike its columns and ours are, `drift` says what changed. Nothing
here opens a database: a connection is handed in.
"""
