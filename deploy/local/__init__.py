"""The embedded run: one machine, no Docker, no root. The same engines as production: real Kafka and
real PostgreSQL."""
