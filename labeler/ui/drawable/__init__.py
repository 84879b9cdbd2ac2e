"""Everything that exists because of streamlit-drawable-canvas.

Deleting the folder removes that canvas: the workbench needs none of it.
"""
