"""Speed and memory as ratios, each beside its goal: `python -m benchmarks`, or `make bench`.

    generate_street   seeded extracts, half a per cent of bad rows in seven ways
    contestants/      who does the same job, each a program of its own
    checker           whether their results are equal, row for row
    bulk, incremental, orchestration      what is measured
    measuring, ratios                     how, and how it is told

Not here: tests of correctness beyond that equality, and anything that the package imports.
"""
