"""`pxl-hub load`: devices and dashboards, made up and many, and what they saw of a hub."""
