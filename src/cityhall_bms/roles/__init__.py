"""The roles that a process of the service can take, each joined from its parts."""
