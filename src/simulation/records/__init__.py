"""What is written down: registers, conduct, finance, inspections, corrections."""
