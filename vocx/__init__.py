"""vocx: learn REST and WebSocket market APIs by measuring them.

>>> import vocx
>>> ex = vocx.connect("binance")                         # an exchange in a box, on this machine
>>> ex.order_book("BTC/USDT", depth=5).bid
>>> tape = ex.stream("trades", "quotes", symbols="BTC/USDT").wait(5)
>>> tape.quote("BTC/USDT").ask
>>> vocx.stop_all()
"""
