"""The SUAI Cloud App played through on this machine: everything is real but AWS."""
