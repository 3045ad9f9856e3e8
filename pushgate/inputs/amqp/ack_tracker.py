"""The deliveries of one channel that are done, and the fewest acknowledgements for them."""

from collections.abc import Callable, Iterator


class AckTracker:
    """Deliveries that are not acknowledged.

    An acknowledgement may stand for all deliveries up to one, and a quorum queue takes that as one command.

    :param acknowledge: given a tag, and whether it stands for all before it too.
    """

    def __init__(self, acknowledge: Callable[[int, bool], None]) -> None:
        self._acknowledge = acknowledge
        self._tags: dict[int, bool] = {}  # ascending, as they were delivered; whether they are done
        self._done = 0

    def __len__(self) -> int:
        return len(self._tags)

    def delivered(self, tag: int) -> None:
        """Note a delivery."""
        self._tags[tag] = False

    def done(self, tag: int) -> bool:
        """Note that a message is done; return True if it is the first since the last flush."""
        if self._tags.get(tag) is not False:
            return False
        self._tags[tag] = True
        self._done += 1
        return self._done == 1

    def rejected(self, tag: int) -> None:
        """Note that a message was rejected."""
        if self._tags.pop(tag, False):
            self._done -= 1

    def flush(self) -> None:
        """Acknowledge what is done."""
        last = 0
        for last in self._first_ones():
            del self._tags[last]
            self._done -= 1
        if last:
            self._acknowledge(last, True)
        if self._done:
            for tag in [tag for tag, done in self._tags.items() if done]:
                del self._tags[tag]
                self._acknowledge(tag, False)
            self._done = 0

    def _first_ones(self) -> Iterator[int]:
        while self._tags:
            tag = next(iter(self._tags))
            if not self._tags[tag]:
                return
            yield tag
