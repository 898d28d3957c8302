"""Who calls: credentials of roles, and the principal behind an access key."""
