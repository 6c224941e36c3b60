"""Instruments of single lessons: views that measure while they show, with the lesson's sliders.

They are called as ``course.compare(...)`` and so on, and are views like those of :mod:`vocx.views`:
pause, stop, text twin and replacement by name are the same. They need the notebook extra, which is
loaded when the first of them is looked at.
"""
