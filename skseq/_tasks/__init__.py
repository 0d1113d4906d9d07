"""What is predicted: how targets are checked, encoded, scored and decoded."""
