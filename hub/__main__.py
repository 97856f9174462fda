"""`python -m hub` is `pxl-hub`."""

from hub.commands import main

main()
