"""`python -m safecity_pipeline` is the command `safecity`."""

from safecity_pipeline.cli import command

command()
