"""Before any test module here imports the provider's bindings."""

from modules import bindings

bindings.install()
