"""Check of source tables against the contract: clean rows, quarantined rows with reasons, nothing lost."""

from features.check.folder import check_folder, check_required
from features.check.report import CheckReport, Oddity, TableReport, render
from features.check.rules import KINDS

__all__ = ["KINDS", "CheckReport", "Oddity", "TableReport", "check_folder", "check_required", "render"]
