"""Doors for senders that speak no WebSocket: what comes in is forwarded to a hub over `/v1/write`."""
