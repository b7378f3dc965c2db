"""Recipes: the language, its schema, and every check of a recipe before it runs."""

from runner.recipe.load import Loaded, load, load_text
from runner.recipe.variables import var_value

__all__ = ["Loaded", "load", "load_text", "var_value"]
