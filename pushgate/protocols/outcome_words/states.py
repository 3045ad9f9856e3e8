"""The words of states, and of the reasons that the gateway gives by itself."""

from typing import Final

from pushgate.model.outcome import State
from pushgate.protocols.outcome_words.explanation import Explanation

_AGAIN: Final = "send it again, if a duplicate does no harm"
STATES: Final = {
    State.QUEUED: Explanation(
        "it waits in the gateway", "ask for it by its id later; pushgate trace shows what happened to it"
    ),
    State.WRITTEN: Explanation(
        "it is written to the push service, which has not answered yet",
        "ask for it by its id later; pushgate trace shows what happened to it",
    ),
    State.ACCEPTED: Explanation(
        "the push service has it; whether the device gets it, no service says",
        "if nothing is shown: the device's notification settings, its network, the payload (pushgate lint)",
    ),
    State.REPLACED: Explanation(
        "the push service has it, and says that the device has another token now",
        "send to the new token from now on",
    ),
    State.PRESUMED: Explanation(
        "it was written, and the push service did not object; its protocol says no more",
        "if nothing is shown: is the token of the certificate's environment? A late error corrects it",
    ),
    State.REJECTED: Explanation(
        "the push service refused it", "change what the reason names; the same again is refused"
    ),
    State.SUPPRESSED: Explanation(
        "it was not sent: its token is known to be dead",
        "have the app register again; if the token is good: pushgate tokens forget",
    ),
    State.EXPIRED: Explanation("it was given up: too old to be sent", _AGAIN),
    State.UNKNOWN: Explanation(
        "it was written to a connection that was lost; at-most-once does not send it again", _AGAIN
    ),
    State.CANCELLED: Explanation("it was withdrawn before it was written"),
    State.FAILED: Explanation(
        "it was given up after several attempts", "pushgate trace shows each attempt; try again later"
    ),
}
"""Every state that a notification can have."""
REASONS: Final = {
    "ExpirationPassed": Explanation(
        "its expiration passed before it could be sent",
        "a later expiration: Unix seconds, no milliseconds; check the clock",
    ),
    "PushServiceUnreachable": Explanation(
        "the push service was out of reach for as long as a notification may wait",
        "pushgate status and the log have the circuit's cause",
    ),
    "ChannelsNotSupported": Explanation(
        "it goes to a channel, and the app's push service has none", "an app on apns-http2, or a token"
    ),
    "DeadToken": Explanation(
        "it was not sent: the push service said earlier that the token is dead",
        "have the app register again; if the token is good: pushgate tokens forget",
    ),
    "Redelivered": Explanation(
        "another gateway may have sent it, and at-most-once does not send it again", _AGAIN
    ),
    "AppRemoved": Explanation("its app was taken out of the configuration", "an app that is configured"),
    "GatewayRestarted": Explanation(
        "the gateway ended while it was being sent, and at-most-once does not send it again", _AGAIN
    ),
    "ClosesConnection": Explanation(
        "the push service closes the connection whenever it gets this notification, without a word",
        "examine the payload with pushgate lint, and the token; the same again is refused in the same way",
    ),
    "ConnectionLost": Explanation("the connection was lost before the push service answered", _AGAIN),
    "NoAnswer": Explanation("the push service did not answer in time", _AGAIN),
    "NoPushServiceForTarget": Explanation(
        "the target names a host that the app does not send to", "a target that the service itself gave out"
    ),
}
"""Every reason that is the gateway's own word."""
