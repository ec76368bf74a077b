"""Who works on what: an agent takes, gives and puts back; what nobody gets to in time may be taken
by more people."""
