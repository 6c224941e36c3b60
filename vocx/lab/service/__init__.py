"""The lab as a process: servers, control port, and the handle that opens, steers and ends it.

====================  =========================================================================
in the lab's process
``process``           what runs there, and how it starts and ends
``http_server``       HTTP on loopback: what is refused at the door, raw bytes to the rest
``server``            one venue: its dialect behind HTTP and WebSocket
``control``           the owner's commands, by name
``venue_commands``    those for one venue or for all
``clock``             the exchange's clock

in the owner's
``handle``            :class:`vocx.lab.Lab`
``child``             starting the process and knowing whether it lives
``control_client``    the other end of the control port
``venue_controls``    ``lab.limits``, ``lab.fault``, ``lab.skew``
``truth``             ``lab.truth``

in both
``config``            how a lab is opened, and what it says when it is ready
``failure``           errors as data
``private_folder``    where a certificate lies
====================  =========================================================================
"""
