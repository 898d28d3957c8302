"""A library in a layer: what the sample's functions share."""


def count(text: str) -> int:
    """Count words."""
    return len(text.split())
