"""What a server said when it refused, and what to do about it."""

from __future__ import annotations

from kit.errors import KitError
from kit.labs.remedy import GONE

_HINTS = {
    "ConditionalCheckFailedException": "The condition was false: read the item again, then decide.",
    "TransactionCanceledException": "Nothing of it was written. The reasons stand in its order.",
    "ResourceNotFoundException": "There is no such table or index here. moto forgets its tables "
    "when it is restarted: build them anew.",
    "ResourceInUseException": "A table of that name is there already, or is being deleted.",
    "ProvisionedThroughputExceededException": "Too much at once: wait a little, then try again.",
    "AccessDeniedException": "These credentials may not do that. Ask who runs the account.",
}


def told(error: BaseException) -> tuple[str, str]:
    """Return the server's message and a hint, for a panel; raise anything that is no refusal."""
    from botocore.exceptions import BotoCoreError, ClientError

    if isinstance(error, ClientError):
        code = error.response["Error"]["Code"]
        return f"{code}: {error.response['Error']['Message']}", _hint(code, error)
    if isinstance(error, KitError):
        return str(error), ""
    if isinstance(error, BotoCoreError):
        lost = "connect" in str(error).lower() or "connection" in type(error).__name__.lower()
        return f"{type(error).__name__}: {error}", GONE if lost else ""
    if isinstance(error, TypeError):
        return str(error), "DynamoDB has no type for this value. A fraction wants a Decimal."
    raise error


def _hint(code: str, error: object) -> str:
    reasons = getattr(error, "response", {}).get("CancellationReasons") or []
    named = ", ".join(one.get("Code", "None") for one in reasons)
    hint = _HINTS.get(code, "Nothing was changed.")
    return f"{hint} ({named})" if named else hint
