"""A program that knows pika and the contract: publishes to a RabbitMQ queue, each message confirmed.

Usage: outside_publisher.py PORT QUEUE TOKENS. TOKENS is a file with one in hex a line; they go alone and in
lists of 20 in turn.
"""

import sys
from pathlib import Path

import pika

LISTED = 20


def main() -> None:
    """Publish all."""
    port, queue, file = sys.argv[1:]
    tokens = Path(file).read_text().split()
    connection = pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", int(port)))
    channel = connection.channel()
    channel.confirm_delivery()
    at = 0
    while at < len(tokens):
        some = tokens[at : at + (1 if at % (LISTED + 1) else LISTED)]
        what = f'"token":"{some[0]}"' if len(some) == 1 else '"tokens":["' + '","'.join(some) + '"]'
        channel.basic_publish(
            "", queue, f'{{{what},"payload":{{"aps":{{"alert":"Hi"}}}}}}'.encode(),
            pika.BasicProperties(message_id=f"{file}-{at}", delivery_mode=2), mandatory=True,
        )  # fmt: skip
        at += len(some)
    connection.close()
    print(f"{len(tokens)} confirmed")


if __name__ == "__main__":
    main()
