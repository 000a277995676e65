"""Programs that take the same extracts in, each run by an interpreter of its own.

Each leaves a DuckDB file with what the checker compares, under the names of our rules and columns:

    clean             file, row (physical line), the columns of clean.street_crime, area_code
    quarantine        file, row, rules (names), received
    area_count        period_kind (month, year), period_start, area_code, crime_type, rows
    lsoa_count        the same by lsoa_code

Not here: measuring them.
"""
