"""The feedback loop: whether visits that a model directs raise its own predictions."""
