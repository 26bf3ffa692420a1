"""Phrases in which an indicator's value is said where the general rule of its unit reads badly, in both languages."""
