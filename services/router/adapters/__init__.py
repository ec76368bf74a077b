"""What the router needs from outside: Faust on Kafka (`engine/`) and policies in YAML."""
