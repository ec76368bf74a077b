"""The networks that this service speaks to, a folder each: `channel.py` describes it, `network.py`
creates it from the settings."""
