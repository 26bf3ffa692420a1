"""The band contract: what each class promises, and whether visits bear it out."""
