"""Programs of another age on their own libraries, unmodified.

Usage: old_program.py LIBRARY PORT FEEDBACK_PORT CERTIFICATE COUNT [TOKENS]
Sends to COUNT devices, some of which get what the service refuses, and prints JSON: what the library reports. The devices
are those of the file TOKENS, a token in hex a line.
Only where to connect is reported to the library; so a name server would.
"""

import json
import os
import socket
import ssl
import sys
import time
import warnings
from pathlib import Path

warnings.simplefilter("ignore")  # the libraries are from before the warnings


def wrap_socket(sock, keyfile=None, certfile=None, do_handshake_on_connect=True, **_):
    """As Python had it until 3.12, for what these libraries use of it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.load_cert_chain(certfile, keyfile)
    return context.wrap_socket(sock, do_handshake_on_connect=do_handshake_on_connect)


DEVICES = []

if not hasattr(ssl, "wrap_socket"):
    ssl.wrap_socket = wrap_socket


def device(number):
    """A device token in hex."""
    return DEVICES[number] if DEVICES else f"{number:064x}"


def pyapns_simple(port, feedback_port, certificate, count):
    """PyAPNs without anything: command 0."""
    from apns import APNs, Payload

    service = APNs(cert_file=certificate, key_file=certificate)
    service.gateway_server.server, service.gateway_server.port = "localhost", port
    for number in range(count):
        service.gateway_server.send_notification(device(number), Payload(alert=f"{number}"))
    return {"sent": count}


def pyapns_enhanced(port, feedback_port, certificate, count):
    """PyAPNs with its thread that reads error responses, and resends what comes after: command 1."""
    from apns import APNs, Payload

    service = APNs(cert_file=certificate, key_file=certificate, enhanced=True)
    service.gateway_server.server, service.gateway_server.port = "localhost", port
    errors = []
    service.gateway_server.register_response_listener(errors.append)
    for number in range(count):
        payload = Payload(alert=f"{number}")
        if number % 50 == 25:
            payload.json = lambda: b"no JSON"
        service.gateway_server.send_notification(device(number), payload, identifier=number + 1)
    wanted = len(range(25, count, 50))
    deadline = time.monotonic() + 20
    while len(errors) < wanted and time.monotonic() < deadline:
        time.sleep(0.05)
    with service.gateway_server._send_lock:  # its thread holds it from an error until all is sent again
        pass
    service.gateway_server.force_close()
    return {"errors": [[each["status"], each["identifier"]] for each in errors]}


def pyapns_frames(port, feedback_port, certificate, count):
    """PyAPNs with many notifications in one write: command 2."""
    from apns import APNs, Frame, Payload

    service = APNs(cert_file=certificate, key_file=certificate, enhanced=True)
    service.gateway_server.server, service.gateway_server.port = "localhost", port
    frame = Frame()
    for number in range(count):
        frame.add_item(device(number), Payload(alert=f"{number}"), number + 1, int(time.time()) + 3600, 10)
    service.gateway_server.send_notification_multiple(frame)
    service.feedback_server.server, service.feedback_server.port = "localhost", feedback_port
    dead = [token.decode() for token, _ in service.feedback_server.items()]
    return {"sent": count, "dead": dead}


def pushjack(port, feedback_port, certificate, count):
    """pushjack, which sends in bulk, resumes behind what was refused, and reports each token."""
    from pushjack import APNSClient

    # It waits so long after a batch in which nothing is refused; an error that comes later is lost on it.
    patience = 1 if DEVICES else 6
    client = APNSClient(certificate=certificate, default_error_timeout=patience, default_batch_size=100)
    client.host, client.port = client.feedback_host, client.feedback_port = "localhost", port
    client.feedback_port = feedback_port
    tokens = ["ab" * 101 if number % 50 == 25 else device(number) for number in range(count)]
    answer = client.send(tokens, "hello")
    dead = [expired.token for expired in client.get_expired_tokens()]
    client.close()
    errors = [[error.code, error.identifier] for error in answer.errors]
    return {"errors": errors, "successes": len(answer.successes), "dead": dead}


if __name__ == "__main__":
    socket.setdefaulttimeout(20)
    library, port, feedback_port, certificate, count, *files = sys.argv[1:]
    DEVICES += [token for name in files for token in Path(name).read_text().split()]
    report = globals()[library](int(port), int(feedback_port), certificate, int(count))
    sys.stdout.write(json.dumps(report))
    sys.stdout.flush()
    os._exit(0)  # PyAPNs' thread looks up from its socket only every ten seconds
