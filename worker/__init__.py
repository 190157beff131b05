"""The trading process: makes what people want so on the exchanges."""
