"""MLflow: the store, its runs, artifacts and registered versions."""
