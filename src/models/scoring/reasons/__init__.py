"""Reasons of a classification: points by indicator and their texts in English and Chinese."""
