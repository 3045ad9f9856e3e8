"""The console: pages for operators, served by the HTTP input under ``/console/``.

The pages are static files (`static/`), which fetch JSON and draw it. `console` is what the connections of
one input share, and finds the reader of a request; `routes` is the table of what the pages ask for. `logins`
holds who is logged in, `visitor` says who makes a request and what it may see. `live` sends a summary of all
outcomes once a second: `totals` and `point` are the numbers in it, and are pure. `notifications`,
`dead_tokens`, `hubs`, `send_tests`, `findings` and `changes` carry out the rest.
"""
