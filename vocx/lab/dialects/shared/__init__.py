"""What the dialects of all venues have in common.

Whose wire it is, is injected: this package keeps state and time, a dialect brings payloads, texts
and refusals. No name, path or code of a venue stands here.

===================  ==========================================================================
``dialect``          one venue: connections, what waits to be sent, the owner's commands
``numbers``          prices and quantities as texts; the listed symbols
``reading``          JSON and query strings of strangers, with bounds
``mappings``         the latest so many keys; what is due when
``endpoints``        what an endpoint is; the table of a venue's endpoints
``calls``            one call of a venue's API: when it came, whose it is
``keys``             keys, signatures, the window of time of a signed request
``accounts``         the gateway to the accounts: signed calls, the owner's keys and clock
``rate_limiter``     limits by name and whom they count, windows, bans
``faults``           switchable faults, and where they meet answers and streams
``connections``      pings, idle ends and life of one WebSocket connection
``topics``           what can be subscribed to, by whom, in which encoding
``publisher``        events and time to messages
``market_state``     changes of a book, its best levels, candles, tickers
``subscriptions``    private subscriptions: whose events go where
===================  ==========================================================================
"""
