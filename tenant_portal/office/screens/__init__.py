"""The pages of la gestion, one file for each; `office/__init__.py` has their addresses."""
