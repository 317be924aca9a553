"""One short function a command; each calls what the Python API calls."""
