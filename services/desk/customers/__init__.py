"""Customers, their contact points and what the router is told of them."""
