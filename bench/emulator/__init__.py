"""The local cloud beside MiniStack: starting, deploying, invoking, resting."""
