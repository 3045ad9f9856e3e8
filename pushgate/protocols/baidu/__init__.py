"""Baidu's cloud push, REST 3.0: requests, answers and what follows from them, without I/O.

The sources are Baidu's samples and its list of codes, which is known at second hand. A request is a form that
is signed with the app's secret at a time, so it is made when it is written.
"""
