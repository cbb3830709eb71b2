"""Rules that AWS documents and no model of its services holds: one module per service."""
