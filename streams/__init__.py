"""The domain: points in, windows out. It imports no web framework and opens no listening socket."""
