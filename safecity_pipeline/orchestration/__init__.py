"""The steps of a refresh as Dagster assets, with their checks, a job, a schedule and a sensor.

Thin on purpose: what a step does stands in `refresh`. Belongs here: keys, dependencies, metadata
for operators (counts and file lists, never rows), and the guard that keeps cell values out of
errors. This floor and `definitions` are the only ones that import dagster.
"""
