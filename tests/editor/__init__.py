"""Recipes in an editor."""
