"""What the server of forks imports beforehand, and does once that is slow the first time.

Here: imports and first times. Not here: anything that starts a thread or opens a database, which a
forked process would inherit half.
"""

import faulty
import onlookers  # noqa: F401
import pandas as pd
import pandera.pandas as pa
import scipy.special  # noqa: F401

from safecity_pipeline import cli, progress, summary  # noqa: F401
from safecity_pipeline.orchestration import run  # noqa: F401

pa.Column(str, name="first").validate(pd.DataFrame({"first": ["time"]}))
with faulty.few_sources():
    from safecity_pipeline import definitions  # noqa: F401
