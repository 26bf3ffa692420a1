"""Cost of a month for everyone, and what becomes of it when its run is killed or its disk fails."""
