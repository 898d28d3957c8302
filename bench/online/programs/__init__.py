"""What is timed: one program for each library, run by the Python of the environment it is installed in."""
