"""The workbench on a plain page, over a small backend that keeps its contract."""
