"""Day-2 work on Canvas Data 2."""

DEPLOYMENT = "canvas-data-2"
