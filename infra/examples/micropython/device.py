"""A device on MicroPython (ESP32, Pico W, …): a reading each second, kept until the hub has acknowledged it."""

import json, os, socket, time

SINCE_1970 = 946_684_800_000 if time.gmtime(0)[0] == 2000 else 0  # some boards count from 2000


def connect(host, port, token):
    hub = socket.socket()
    hub.settimeout(60)  # longer than the time between two of the hub's pings
    hub.connect(socket.getaddrinfo(host, port)[0][-1])
    hub.write(f"GET /v1/write?precision=ms HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n".encode())
    hub.write(b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n")
    hub.write(b"Sec-WebSocket-Key: bWljcm9jb250cm9sbGVyIQ==\r\n\r\n")
    status = hub.readline()
    while hub.readline().strip():
        pass
    if b" 101 " not in status or receive(hub)["type"] != "ready":
        raise OSError(f"refused: {status}")
    return hub


def send(hub, kind, data):  # in frames of up to 64 KiB, masked as those of clients are
    mask, size = os.urandom(4), len(data)
    length = bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
    hub.write(bytes([0x80 | kind]) + length + mask + bytes([byte ^ mask[i & 3] for i, byte in enumerate(data)]))


def receive(hub):  # the next message; pings before it are answered
    while head := hub.read(2):
        data = hub.read(int.from_bytes(hub.read(2), "big") if head[1] == 126 else head[1])
        if head[0] == 0x81:
            return json.loads(data)
        if head[0] == 0x89:
            send(hub, 0xA, data)
    raise OSError("the hub closed the connection")


def run(read, host, port=8000, token="", hub=None):
    kept = []
    while True:
        kept = kept[-500:] + [f"{read()} {time.time_ns() // 1_000_000 + SINCE_1970}"]
        try:
            hub = hub or connect(host, port, token)
            send(hub, 1, "\n".join(kept).encode())
            if receive(hub)["type"] != "retry":  # an ack; or a reject, which names the bad lines
                kept = []
        except OSError as error:  # what is kept is sent again: the hub counts a point once
            hub = print(len(kept), "readings wait:", error)
        time.sleep(1)
