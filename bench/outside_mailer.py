"""A mailer at the SMTP input, of the standard library alone: ``outside_mailer.py PORT FILE``, a token a line.

Each message has its Message-ID; every tenth is sent twice, as after a reply that was lost on its way.
"""

import smtplib
import sys
from pathlib import Path

MESSAGE = """\
From: news@example.com
Message-ID: <{token}@example.com>
Content-Type: multipart/vnd.msys.mcmt; boundary=B

--B
Content-Type: message/rfc822

Subject: mail

mail
--B
Content-Type: message/vnd.msys.apn

X-Device-Token: {token}

{{"aps":{{"alert":"Hi"}}}}
--B--
"""


def main() -> None:
    """Send all, and say how many were taken."""
    port, path = sys.argv[1:]
    taken = 0
    with smtplib.SMTP("127.0.0.1", int(port), timeout=30) as client:
        for number, token in enumerate(Path(path).read_text().split()):
            for _ in range(2 if number % 10 == 0 else 1):
                refused = client.sendmail("news@example.com", ["a@example.com"], MESSAGE.format(token=token))
                assert not refused
            taken += 1
    print(f"{taken} taken")


if __name__ == "__main__":
    main()
