"""Canvas Data 2 played through on this machine: everything is real but AWS and Canvas themselves."""
