"""The grants of principals, and their proofs."""

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from pushgate.model.errors import CannotStart
from pushgate.model.principals import Grant, Operation
from pushgate.model.secret_hash import SecretHash
from pushgate.plugin.settings import PrincipalTable
from pushgate.service.config.certificate_subject import is_subject, subject
from pushgate.service.config.principal_grants import grants

FIRST, SECOND = SecretHash.of(b"one", bytes(16)), SecretHash.of(b"two", bytes(16))


def table(**keys):
    """A principal's table."""
    return PrincipalTable.model_validate(keys)


def faults(**tables):
    """What is wrong with these principals."""
    with pytest.raises(CannotStart) as caught:
        grants(tables)
    return caught.value.faults


def test_everything(tmp_path):
    """A table becomes what the principal is allowed; the file's comments and empty lines do not count."""
    file = tmp_path / "shop"
    file.write_text(f"\ufeff# made in May\n{FIRST}\n\n  {SECOND}  \n")
    keys = {"apps": ["news"], "operations": ["push", "admin"], "rate": 5.0, "max_batch": 10}
    made = grants({"shop": table(secret_file=str(file), certificate="CN=shop,O=Example", **keys)})
    assert made == {
        "shop": Grant(
            operations=frozenset({Operation.PUSH, Operation.ADMIN}),
            apps=frozenset({"news"}),
            rate=5.0,
            max_batch=10,
            secrets=(FIRST, SECOND),
            certificate="CN=shop,O=Example",
        )
    }


def test_defaults():
    """Unless it says otherwise a principal may push and read, of every app, without a limit."""
    assert grants({"shop": table(certificate="CN=shop")}) == {
        "shop": Grant(operations=frozenset({Operation.PUSH, Operation.READ}), certificate="CN=shop")
    }


def test_bad_files(tmp_path):
    """Every file that cannot be used is named with its key and the reason, without what is in it."""
    empty, wrong, binary = tmp_path / "empty", tmp_path / "wrong", tmp_path / "binary"
    empty.write_text("# nothing\n")
    wrong.write_text(f"{FIRST}\nhunter2\n")
    binary.write_bytes(b"\xff\xfa")
    found = faults(
        gone=table(secret_file=str(tmp_path / "gone")),
        empty=table(secret_file=str(empty)),
        wrong=table(secret_file=str(wrong)),
        binary=table(secret_file=str(binary)),
    )
    assert found == [
        f"principals.gone.secret_file: {tmp_path / 'gone'}: No such file or directory",
        f"principals.empty.secret_file: {empty}: holds no secret; `pushgate secret` makes one",
        f"principals.wrong.secret_file: {wrong}: line 2: must be sha256:SALT:DIGEST as `pushgate secret` writes it",
        f"principals.binary.secret_file: {binary}: not UTF-8",
    ]


@pytest.mark.parametrize(
    "text", ["", "shop", "CN", "CN=", "=shop", "CN=a,", "CN:shop", "XX=shop", "CN=shop, O=Example"]
)
def test_no_subject(text):
    """What is no subject is refused."""
    assert not is_subject(text)


def test_one_proof_for_two(tmp_path):
    """The same secret or subject cannot prove two principals."""
    file = tmp_path / "both"
    file.write_text(f"{FIRST}\n")
    found = faults(
        a=table(secret_file=str(file), certificate="CN=x,O=y"),
        b=table(secret_file=str(file), certificate="CN=x,O=y"),
    )
    assert found == [
        "principals.b.secret_file: proves a already; must be its own",
        "principals.b.certificate: proves a already; must be its own",
    ]


def test_long_names():
    """The attributes that OpenSSL writes by other names than RFC 4514 are known by these, too."""
    [grant] = grants({"shop": table(certificate="CN=shop,emailAddress=a@example.com")}).values()
    assert grant.certificate == "CN=shop,1.2.840.113549.1.9.1=a@example.com"


VALUES = st.text(st.characters(codec="utf-8", exclude_categories=("C",)), min_size=1, max_size=15)


@given(st.lists(st.tuples(st.sampled_from([NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME]), VALUES), min_size=1, max_size=4))  # fmt: skip
def test_subjects_are_compared_in_one_form(parts):
    """Whatever is in a certificate's subject, its text in the configuration finds it, and no other text does:
    a comma inside a name cannot pose as another part."""
    name = x509.Name([x509.NameAttribute(*part) for part in parts])
    assert subject(name.rfc4514_string()) == name.rfc4514_string()
    assert x509.Name.from_rfc4514_string(name.rfc4514_string()) == name
