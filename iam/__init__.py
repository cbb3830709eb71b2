"""IAM policies evaluated: one evaluator for the emulator, the policies of plans and the tests."""
