"""The enrolment of a managed device."""

import pytest

from pushgate.model.enrolment import MAX_DEVICE, EnrolmentRequest
from pushgate.model.errors import Invalid


@pytest.mark.parametrize("device", ["", "x" * (MAX_DEVICE + 1), "\ud800"])
def test_the_id_of_a_device_is_checked(device):
    """It is a text of a sensible length; the error names the field and not the value."""
    with pytest.raises(Invalid, match=r"^device: "):
        EnrolmentRequest(token=b"t", push_magic="m", device=device)


@pytest.mark.parametrize("device", [None, "udid", "x" * MAX_DEVICE])
def test_what_is_taken(device):
    """Or there is none."""
    assert EnrolmentRequest(token=b"t", push_magic="m", device=device).device == device
