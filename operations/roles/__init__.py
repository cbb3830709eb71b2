"""Roles for people and pipelines: policy documents that are derived from the calls that the AWS provider makes."""
