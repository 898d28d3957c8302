"""The four stacks."""
