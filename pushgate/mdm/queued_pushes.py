"""Which notification the push of an enrolment is, from its submission to its outcome."""


class QueuedPushes:
    """One push of an enrolment at a time; notifications and enrolments are named by their numbers.

    It is kept in memory: a restart submits what waits once more, and learns from the receipt what it is.
    """

    def __init__(self) -> None:
        self._notifications: dict[int, int | None] = {}
        self._enrolments: dict[int, int] = {}

    def begin(self, enrolment: int) -> None:
        """The push of an enrolment is about to be submitted."""
        self.take(enrolment)
        self._notifications[enrolment] = None

    def submitted(self, enrolment: int, notification: int) -> bool:
        """Note which notification it became; return False when it was taken out meanwhile."""
        if enrolment not in self._notifications:
            return False
        self._notifications[enrolment] = notification
        self._enrolments[notification] = enrolment
        return True

    def take(self, enrolment: int) -> int | None:
        """Take out the push of an enrolment; return its notification, None without a receipt of it."""
        notification = self._notifications.pop(enrolment, None)
        if notification is not None:
            del self._enrolments[notification]
        return notification

    def settled(self, notification: int) -> None:
        """A notification, perhaps of another submitter, has its outcome."""
        enrolment = self._enrolments.get(notification)
        if enrolment is not None:
            self.take(enrolment)
