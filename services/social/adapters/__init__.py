"""The networks' own client libraries."""
