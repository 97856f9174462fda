"""What the board runs at its start, once it is in the network and has its time: `import ntptime; ntptime.settime()`."""

import os

import device


def read():
    """A line of line protocol without a time: put your sensor here."""
    return f"weather,site=roof temp={20 + os.urandom(1)[0] / 128:.2f}"


device.run(read, "192.168.1.10", token="")
