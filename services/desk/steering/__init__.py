"""What supervisors see and do: who does what now, what waits and why, what is to be expected."""
