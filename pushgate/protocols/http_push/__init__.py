"""What push services over HTTP have in common, without I/O: requests out, answers in, conclusions.

Each service is a `PushService` of its own: the requests that notifications become, and a table of answers.
"""
