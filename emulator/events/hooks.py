"""Where the emulator's behaviour is put in place of moto's, and taken out again.

moto's backends are classes without extension points. Every replacement goes through one `Hooks` object,
so that the whole list can be read in the `install` functions and undone in reverse order.
"""

from collections.abc import Callable
from typing import Any

_ABSENT = object()


class Hooks:
    """Replaces attributes of classes and modules, and remembers what was there.

    Examples
    --------
    >>> class Bell:
    ...     def ring(self):
    ...         return "ding"
    >>> hooks = Hooks()
    >>> hooks.replace(Bell, "ring", lambda self: "dong")
    >>> Bell().ring()
    'dong'
    >>> hooks.remove()
    >>> Bell().ring()
    'ding'
    """

    def __init__(self) -> None:
        self._replaced: list[tuple[Any, str, Any]] = []

    def replace(self, owner: Any, name: str, value: Any) -> None:
        """Put `value` in place of an attribute that exists.

        Raises
        ------
        AttributeError
            The owner has no such attribute: this moto is not the one the emulator was written for.
        """
        self._replaced.append(
            (owner, name, vars(owner)[name] if name in vars(owner) else getattr(owner, name))
        )
        setattr(owner, name, value)

    def add(self, owner: Any, name: str, value: Any) -> None:
        """Put `value` where there is no such attribute.

        Raises
        ------
        AttributeError
            The owner has one: this moto does by itself what the emulator adds.
        """
        if hasattr(owner, name):
            raise AttributeError(f"{owner!r} has an attribute {name} already")
        self._replaced.append((owner, name, _ABSENT))
        setattr(owner, name, value)

    def replace_method(self, owner: Any, name: str, method: Callable[..., Any]) -> None:
        """Put `method` in place of one of a class's; it is called with the instance first.

        A bound method put into a class directly would not be bound again and never see the instance.
        """

        def forward(self: Any, *args: Any, **kwargs: Any) -> Any:
            return method(self, *args, **kwargs)

        self.replace(owner, name, forward)

    def after(self, owner: Any, name: str, then: Callable[..., None]) -> None:
        """Call `then(self)` whenever the method has returned."""
        original = getattr(owner, name)

        def method(self: Any, *args: Any, **kwargs: Any) -> Any:
            answer = original(self, *args, **kwargs)
            then(self)
            return answer

        self.replace(owner, name, method)

    def remove(self) -> None:
        """Put everything back."""
        while self._replaced:
            owner, name, value = self._replaced.pop()
            if value is _ABSENT:
                delattr(owner, name)
            else:
                setattr(owner, name, value)
