"""State machines: their interpreter on the cloud's clock, what it takes, and what the page draws of them."""
