"""What an outcome means and what to do about it, in words.

`explain` is the face. `states.py` has the words of states and of the gateway's own reasons, `answers.py`
those of push services, `causes.py` those of circuits.
"""
