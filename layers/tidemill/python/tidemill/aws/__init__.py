"""The only package that imports boto3 or Powertools or reads the environment."""
