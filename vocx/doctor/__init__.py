"""What works from here, and why not: the lab, the notebooks, and each venue's hosts.

Red is only what the lessons need, and they need nothing but this machine. A venue that cannot be
reached is grey: worth knowing, no reason to worry. Each host is asked at **one** address, because
public notebook hosts end a process that talks to more than 24 of them within a minute; everything
runs in parallel with short deadlines, so that an answer comes in seconds also without a network.
"""

from vocx.doctor.report import Finding, Report, check

__all__ = ["Finding", "Report", "check"]
