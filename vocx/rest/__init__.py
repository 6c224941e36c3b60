"""Blocking REST in which nothing is hidden: every result carries its own bytes and times.

:class:`Client` turns an intent into requests by the venue's adapter, sends them with requests and
gives back facts or one typed error. ``transport`` sees the bytes, ``error_mapping`` translates
foreign errors, ``redaction`` hides keys; :mod:`vocx.net` opens connections and throttles.
"""

from vocx.rest.client import Client

__all__ = ["Client"]
