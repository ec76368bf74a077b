"""One folder a service. They never import each other: they meet on the topics in
`shared/topics.py`."""
