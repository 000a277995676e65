"""The report of an assessment: page one, the boxes, its charts and the leaflet.

Here: what a release of the sample shows, and small drawn databases for what the sample does not
have. Not here: how a release is written (`test_warehouse`), what may be shared (`test_disclosure`).
"""
