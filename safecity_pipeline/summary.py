"""What a refresh tells the person who started it: the ledger, the warnings, where to look."""

from __future__ import annotations

from safecity_pipeline.settings import Settings
from safecity_pipeline.warehouse import PUBLIC, Warehouse


def of(settings: Settings) -> list[str]:
    """The newest release in a dozen lines."""
    house = Warehouse(settings.warehouse)
    connection = house.read_release()
    try:
        sources = connection.execute(
            "SELECT source, count(*), sum(rows_read), sum(rows_valid), sum(rows_quarantined), "
            "sum(rows_excluded) FROM meta.extract "
            "WHERE source IS NOT NULL AND status <> 'withdrawn' GROUP BY 1 ORDER BY 1"
        ).fetchall()
        warnings = connection.execute(
            "SELECT source, message FROM meta.check_result WHERE NOT passed ORDER BY ALL"
        ).fetchall()
        stamp, synthetic = connection.execute(
            "SELECT stamp, synthetic FROM meta.release"
        ).fetchall()[0]
    finally:
        connection.close()
    lines = [f"Release {stamp} is published{', made from synthetic extracts' * synthetic}."]
    lines += [
        f"  {source}: {files} file{'s' * (files != 1)}, {read:,} rows read = {valid:,} valid + "
        f"{bad:,} quarantined + {out:,} excluded"
        for source, files, read, valid, bad, out in sources
    ]
    lines += [f"  look at: {source}: {message}" for source, message in warnings]
    lines.append(f"  {settings.warehouse / 'current' / 'public' / PUBLIC}")
    return lines


def findings(settings: Settings, most: int = 5) -> list[str]:
    """Some sentences about the assessed year: the ranks first, then the changes."""
    connection = Warehouse(settings.warehouse).read_release()
    try:
        rows = connection.execute(
            "SELECT sentence FROM mart.finding JOIN meta.release USING (area_code) "
            "WHERE period = ? "
            "AND comparison IN ('peer_rank', 'previous_year') AND value IS NOT NULL "
            "ORDER BY comparison DESC, indicator LIMIT ?",
            [settings.year, most],
        ).fetchall()
    finally:
        connection.close()
    return [str(row[0]) for row in rows]
