"""A mistake in an expression, with its place and what to do about it."""


class ExpressionError(ValueError):
    """An expression that cannot be understood. ``column`` counts from 1; ``remedy`` says what to do."""

    def __init__(self, column: int, message: str, remedy: str) -> None:
        super().__init__(f"column {column}: {message} -> {remedy}")
        self.column = column
        self.message = message
        self.remedy = remedy
