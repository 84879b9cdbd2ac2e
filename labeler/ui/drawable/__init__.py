"""The simple canvas: streamlit-drawable-canvas, and all that only it needs."""
