"""The experiment file and the rows it learns from: visits, their labels, indicators and segments in time."""
