"""Blocking REST in which nothing is hidden: every result carries its own bytes and times.

:class:`Client` turns an intent into a request by the venue's adapter, sends it with requests and
gives back facts or one typed error. Three files: ``wire`` sees the bytes, ``border`` translates
foreign errors, ``gate`` knows when a host may be asked.
"""

from vocx.rest.client import Client
from vocx.rest.gate import Gate, Standing

__all__ = ["Client", "Gate", "Standing"]
