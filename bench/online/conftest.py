"""The programs import what is installed in the peers' environments only."""

collect_ignore = ["programs"]
