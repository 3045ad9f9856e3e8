"""Tags: what one may be, and the tags of a registration."""

import pytest

from pushgate.hub.tag_expressions.tags import (
    check_tag,
    check_tags,
    installation_tag,
    is_tag,
    user_tag,
)
from pushgate.model.errors import Invalid


def refusal(tags, most=60):
    """The error of tags that are refused."""
    with pytest.raises(Invalid) as caught:
        check_tags(tags, most)
    return caught.value


@pytest.mark.parametrize(
    "tag",
    ["band:Beatles", "a", "_@#.:-", "0", "a" * 120, "$InstallationId:{a=b}", "$userid:{Joe}"],
)
def test_tags(tag):
    """Letters, digits and some marks; the implicit ones by any case of their names."""
    assert is_tag(tag)
    assert check_tag(tag) == tag.lower()


@pytest.mark.parametrize(
    "tag",
    [
        "band Beatles",
        "a,b",
        "a/b",
        "",
        "a\n",
        "a=b",
        "$a",
        "$UserId:{}",
        "$UserId:{a}b",
        "grün",
        "\u0661",
        "\u017fs",
        "a" * 121,
    ],
)
def test_what_is_no_tag(tag):
    """Also letters and digits outside ASCII."""
    assert not is_tag(tag)
    with pytest.raises(Invalid, match=r"^tag: "):
        check_tag(tag)


def test_tags_are_a_set_without_regard_to_case():
    """The first spelling stays, in the order given."""
    assert check_tags(["News", "a", "NEWS", "news"], 2) == ("News", "a")


def test_too_many_tags():
    """Each counted once."""
    assert check_tags([f"t{number}" for number in range(60)], 60)
    assert str(refusal([f"t{number}" for number in range(61)])) == "tags: 61 tags; at most 60"
    assert check_tags([], 0) == ()


def test_one_installation_and_one_user():
    """A device is one installation of one user."""
    assert len(check_tags(["$InstallationId:{a}", "$UserId:{a}"], 60)) == 2
    assert "$InstallationId:{}" in refusal(["$InstallationId:{a}", "$installationid:{b}"]).shape
    assert "$UserId:{}" in refusal(["$UserId:{a}", "$UserId:{b}"]).shape


def test_the_error_says_which_tag_not_what_it_is():
    """Its number, its length, the rule."""
    error = refusal(["a", "sec ret"])
    assert error.field == "tags"
    assert error.shape == "tag 2: 7 characters that are no tag"
    assert "ASCII" in error.rule


def test_implicit_tags():
    """An id that a tag cannot spell has none: no expression could name it."""
    assert installation_tag("joe93") == "$InstallationId:{joe93}"
    assert user_tag("joe@example.com") == "$UserId:{joe@example.com}"
    assert installation_tag("a b") is None
    assert user_tag("") is None
    assert user_tag("a" * 120) is None
