"""The estimators: a cell and a task, put together."""
