"""Collaborative filtering: what alike users and items say, as feature columns and as a baseline model."""
