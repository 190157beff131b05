"""Pure functions: rows in, Plotly figure out. Floats begin here and go no further than the screen."""
