"""The Streamlit dashboard: shows what is, and writes down what people want."""
