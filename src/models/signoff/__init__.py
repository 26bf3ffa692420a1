"""Sign-off: the gate, two people's approval and the record of both."""
