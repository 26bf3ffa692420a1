"""Signing a model off: keys, the list of signers, the record and the rules that every entry of it keeps."""
