"""Training and prediction: everything that knows skorch."""
