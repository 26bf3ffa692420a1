"""Who there is and what nobody sees: population, latent risk, lives."""
