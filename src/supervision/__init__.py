"""What the classes are for: spot checks, warnings, outlook."""
