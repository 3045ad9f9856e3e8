"""The answer to a test send, as every input gives it."""

from typing import Any

import msgspec

from pushgate.inputs.common.drafts import receipt_fields
from pushgate.model.errors import Refusal
from pushgate.model.outcome_record import id_text, record
from pushgate.model.send_test import SendTestResult, TriedDevice
from pushgate.plugin.gateway_interface import IGateway, Receipt
from pushgate.protocols.outcome_words.explain import explain
from pushgate.protocols.outcome_words.explanation import Explanation

_FORGOTTEN = Explanation("what became of it is not known any more", "a ledger sink remembers for days")


def send_test_document(
    result: SendTestResult, gateway: IGateway, app: str, faults: dict[int, Refusal]
) -> dict[str, Any]:
    """The result of a test send, ready for JSON: a receipt, and each device with words for its outcome.

    :param faults: members that the input refused itself, each with its own reason.
    """
    count = len(result.devices) + len(result.refused)
    cause = "" if result.settled else _cause(gateway, app)
    document = receipt_fields(Receipt(result.id, count, result.refused), faults) | {
        "settled": result.settled,
        "waited": round(result.waited, 3),
        "devices": [_device(each, app, cause) for each in result.devices],
    }
    return document | ({"repeated": True} if result.repeated else {})


def _device(device: TriedDevice, app: str, cause: str) -> dict[str, Any]:
    """The outcome record of one device, with what it means, what to do, and how long it took."""
    outcome = device.outcome
    if outcome is None:
        fields: dict[str, Any] = {"id": id_text(device.id), "app": app, "index": device.index, "state": None}
        words = _FORGOTTEN
    else:
        fields = msgspec.json.decode(record(outcome))
        words = explain(outcome.upstream, outcome.state, outcome.status, outcome.reason, cause)
    seconds = None if device.seconds is None else round(device.seconds, 3)
    return fields | {"meaning": words.meaning, "advice": words.advice, "seconds": seconds}


def _cause(gateway: IGateway, app: str) -> str:
    """What holds an app's notifications up, if the gateway knows."""
    circuit = gateway.stats()["apps"].get(app, {}).get("circuit", {})
    cause: str = circuit.get("cause", "")
    return cause
