"""Real servers from the system's packages, for as long as something on this machine needs them."""
