"""What the doors of the office share."""

from services.office.web import problems


def test_problems_are_listed_by_status() -> None:
    listed = problems("custody.taking", writes=True)

    assert "`custody.taking`" in listed[409]["description"]
    assert "`idempotency.in_progress`" in listed[409]["description"]
