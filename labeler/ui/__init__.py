"""The pages: what a labeller sees and does in the browser."""
