"""The simple canvas: streamlit-drawable-canvas, and everything that only it needs."""
