"""The record of sign-offs: keys, the list of signers, entries, and the rules that every entry keeps."""
