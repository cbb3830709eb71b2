"""One module per service: what moto 5.2.5 lacks there, for which Terraform resource, and the code that fills it."""
