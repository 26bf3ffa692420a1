"""Exact contributions of the trees: path-dependent TreeSHAP by tables, the one way contributions are computed."""
