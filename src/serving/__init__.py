"""Classify: the approved model beside the rules, as a service and as a monthly run."""
