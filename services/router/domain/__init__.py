"""The router's decisions: functions of values, without a clock, without I/O, without state."""
