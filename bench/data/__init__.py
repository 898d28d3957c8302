"""What it takes to bring data in: a large file beside Arrow alone, and a commit beside an earlier one."""
