"""Mail providers' webhooks: whether a request is genuine, and what it says. Pure; a module for each
provider, all with the same three questions (`check`, `mail`, `outcomes`) where it has them."""
