"""The console: pages for operators, served by the HTTP input under ``/console/``.

The pages are static files (`static/`), which fetch JSON and draw it. `console` is shared by the connections
of one input, and finds the reader of a request; `routes` is the table of the requests that the pages make.
`logins` holds the logins, `visitor` the caller of a request and its permissions. `live` sends a summary of
all outcomes once a second: `totals` and `point` make the numbers in it, and are pure. `notifications`,
`dead_tokens`, `hubs`, `send_tests`, `findings` and `changes` answer the other requests.
"""
