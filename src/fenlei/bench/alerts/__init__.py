"""Early warnings beside the simulated truth: false alarms, power and delay, and a plain threshold on counts."""
