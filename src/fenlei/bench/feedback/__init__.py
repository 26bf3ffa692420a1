"""The feedback loop: do visits that a model sent raise its own predictions?"""
