"""Records of the simulated province: registers, conduct, finance, inspections, corrections."""
