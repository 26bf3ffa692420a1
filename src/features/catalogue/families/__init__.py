"""The five families of SAMR (4): one function an indicator, one module a family."""
