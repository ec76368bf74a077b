"""The live wallboard: what waits, what is late, who is there, and whether everything flows. From
the desk's own database and Kafka."""
