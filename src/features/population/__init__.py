"""Population: the cohort that is classified, the outcomes found there, and groups."""
