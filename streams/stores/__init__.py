"""Where points are kept and windows are answered from: one contract (`base`), two stores."""
