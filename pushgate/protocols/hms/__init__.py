"""Huawei's Push Kit: requests, answers and what follows from them, without I/O.

The sources are Huawei's "Sending messages" (v1, Android) and "Scenario-based messages" (v3, HarmonyOS). The
service answers most failures with 200 and a code in the body. It takes up to 1000 tokens in a request; here
each has one, so that an answer is about one notification.
"""
