"""Errors as Google writes them."""

import msgspec


def FCM(code):
    """FCM's own word."""
    return {"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code}


def APNS(status, reason):
    """What Apple answered."""
    kind = "type.googleapis.com/google.firebase.fcm.v1.ApnsError"
    return {"@type": kind, "statusCode": status, "reason": reason}


def RPC(kind, **fields):
    """A detail that all of Google's services have."""
    return {"@type": f"type.googleapis.com/google.rpc.{kind}", **fields}


def error(status, message="", *details):
    """A body."""
    return msgspec.json.encode(
        {"error": {"code": 0, "message": message, "status": status, "details": details}}
    )
