"""The optional Grafana dashboard, and how Grafana finds it. The product's own wallboard needs none
of this."""
