"""Customers, their contact points where they can be reached, and what is learnt of them."""
