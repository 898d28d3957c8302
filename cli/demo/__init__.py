"""The demo: a year of real flights through the whole loop, on a virtual clock."""
