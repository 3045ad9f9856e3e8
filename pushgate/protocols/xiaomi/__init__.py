"""Xiaomi's Mi Push: requests, answers and what follows from them, without I/O.

The source is Xiaomi's "Server API address and parameters". The service answers most failures with 200 and a
code in the body. It is authenticated by ``Authorization: key=`` and the app's secret.
"""
