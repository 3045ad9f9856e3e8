"""The checks of an APNs HTTP/2 input: those of every input that listens, and its provider keys."""

from collections.abc import AsyncIterator

from pushgate.inputs.apns_http2.provider_keys import provider_keys
from pushgate.inputs.apns_http2.settings import ApnsHTTP2InputTable
from pushgate.inputs.common import diagnosis
from pushgate.model.errors import CannotStart
from pushgate.model.finding import Finding, failure, ok
from pushgate.model.printable import printable
from pushgate.plugin.examination import Examination


async def diagnose(
    name: str, config: ApnsHTTP2InputTable, examination: Examination
) -> AsyncIterator[Finding]:
    """Whether it could listen, what callers are shown, and by which keys their tokens are verified."""
    async for finding in diagnosis.diagnose(name, config, examination):
        yield finding
    if config.provider_keys is None:
        return
    where = f"inputs.{name}"
    try:
        keys = provider_keys(where, config.provider_keys)
    except CannotStart as error:
        for fault in error.faults:
            yield failure(
                "provider-keys", printable(fault.removeprefix(f"{where}."), 1000),
                "a gateway does not start with it",
                "put the public key of each provider there, in PEM, as KEYID.pem",
            )  # fmt: skip
    else:
        yield ok("provider-keys", f"provider_keys: tokens of {printable(', '.join(sorted(keys)), 200)}")
