"""How soon the threads of a process give up Python's interpreter to each other."""

import sys

SWITCH_INTERVAL_S = 0.0001
"""How long a busy event loop may make a store's thread wait for the interpreter, which DuckDB gives up in each of its
many calls. It has to be shorter than the loop's callbacks: whoever waits asks for the interpreter only where nobody has
given it up for so long, and a loop that gives it up between two callbacks takes it again at once.

The longest waits for an ack, while others sent what is hard to scan: on DuckDB 0.9 to 1.4 s at 0.5 ms, 0.5 and 0.6 s at
0.1 ms, 0.3 and 0.4 s at 0.05 ms, which has its price where threads change so often; on InfluxDB, whose answers are put
together in threads, 142 and 167 ms at Python's own 5 ms, 80 and 104 ms at 0.1 ms.
"""


def give_up_soon() -> None:
    """From now on all threads of this process give it up after SWITCH_INTERVAL_S, or sooner if they did so before."""
    if sys.getswitchinterval() > SWITCH_INTERVAL_S:
        sys.setswitchinterval(SWITCH_INTERVAL_S)
