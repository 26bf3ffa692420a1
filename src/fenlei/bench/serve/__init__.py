"""Serving: requests a second and latency, beside an empty endpoint of the framework and MLflow's own server."""
