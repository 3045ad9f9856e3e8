"""What is wrong with a payload before it is sent: where, why, and what to write instead.

`lint` is the face. What each service knows is tables: of fields (`apns_fields.py`, `fcm_fields.py`), of rules
about several of them (`apns_rules.py`), of sizes (`limits.py`). Nothing here raises on any bytes.
"""
