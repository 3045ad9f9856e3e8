"""The methods of HTTP: a web page can make a browser send a request to any port."""

from typing import Final

METHODS: Final = frozenset(b"GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH PRI".split())
