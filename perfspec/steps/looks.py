"""What of an answer a request looks at. The rest need not be kept, decoded or followed."""

from perfspec.steps.kinds import Captured, Check, Request

__all__ = ["into_body", "reads_body", "wants_redirect"]

_OF_THE_HEAD = frozenset({"status", "header", "cookie", "events"})


def into_body(checks: tuple[Check, ...], captures: tuple[Captured, ...]) -> bool:
    """Does any of these look into the body?"""
    return not {c.subject for c in checks} | {c.capture.source for c in captures} <= _OF_THE_HEAD


def reads_body(step: Request, until: tuple[Check, ...] = ()) -> bool:
    """Is the whole body of the answer wanted?"""
    return bool(step.record) or into_body((*step.expect, *until), step.capture)


def wants_redirect(step: Request, until: tuple[Check, ...] = ()) -> bool:
    """Is the redirect itself looked at, its status or its `Location`? Then it is not followed."""
    headers = [each.capture.argument for each in step.capture if each.capture.source == "header"]
    for check in (*step.expect, *until):
        if check.subject == "header":
            headers.append(check.argument)
        elif check.subject == "status":
            wanted = check.matcher.operand if isinstance(check.matcher.operand, tuple) else (check.matcher.operand,)
            if any(type(status) is int and 300 <= status < 400 for status in wanted):
                return True
    return any(name.lower() == "location" for name in headers)
