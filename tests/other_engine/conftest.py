"""What lies under programs/ runs in the environment of another engine, and nowhere else."""

collect_ignore = ["programs"]
