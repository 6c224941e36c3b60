"""Answers to the exercises, right and wrong: what CI hands to ``course.check``."""
