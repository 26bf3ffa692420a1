"""World of the simulation: population, latent risk, life courses, drift."""
