"""AWS's protocols and operations, one file a resource."""
