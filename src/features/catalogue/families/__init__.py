"""The five families of SAMR (4): one function an indicator, a module or a few a family."""
