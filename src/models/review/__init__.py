"""What a reviewer signs by: measures of a run, baselines, the review, and drift after sign-off."""
