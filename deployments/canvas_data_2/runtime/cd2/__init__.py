"""What runs on Canvas Data 2: three functions and one container, all from this folder."""
