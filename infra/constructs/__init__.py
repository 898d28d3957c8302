"""What the stacks are composed from."""
