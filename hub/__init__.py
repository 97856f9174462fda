"""The edge: protocol messages, sessions, sockets, HTTP, settings and the command line."""
