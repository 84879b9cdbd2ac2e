"""The pages: what a labeler sees and does in the browser."""
