"""Minimal clients, written out in plain ``requests`` and ``websocket-client``: nothing of vocx.

Four files to read, to run and to count (:func:`vocx.measure.code_size` counts what runs):

``ask``      asks for the best price by REST; a lost answer is one answer lost
``listen``   listens to it by WebSocket, and dies at the first cut
``survive``  listens, and comes back: back-off, silence, the end after 24 h, state marked unknown
``hybrid``   listens, asks while the line is down, places orders by REST, hears of them by stream

They run against a lab and against the real Binance alike (behind a proxy, set
``NO_PROXY=127.0.0.1`` for a lab)::

    python -m vocx.course.clients.ask https://data-api.binance.vision BTCUSDT
    python -m vocx.course.clients.survive wss://data-stream.binance.vision BTCUSDT
"""
