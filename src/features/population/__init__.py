"""Who is classified and what was found there: cohort, outcomes, groups."""
