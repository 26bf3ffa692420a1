"""Simulation of a believable province with known truth, to try, test and measure the product on."""

from simulation.config import SimulationPolicy, load_simulation
from simulation.dirty import soil
from simulation.province import SimulationSummary, simulate

__all__ = ["SimulationPolicy", "SimulationSummary", "load_simulation", "simulate", "soil"]
