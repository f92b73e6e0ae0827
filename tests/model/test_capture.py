"""The raw facts of one exchange."""

from gateway.model.capture import FIELDS, Capture


def test_a_copy_has_every_fact_and_is_another_one():
    one = Capture()
    for name in FIELDS:
        setattr(one, name, object())
    other = one.copy()
    assert [getattr(other, name) for name in FIELDS] == [getattr(one, name) for name in FIELDS]
    other.step = 7
    assert one.step != 7
