"""What is worked out once, whoever asks: several threads may each work out Python's own cached properties."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock
from typing import Any, Generic, TypeVar, overload

T = TypeVar("T")


class Once(Generic[T]):
    """A property that the first thread to ask works out, while others wait for it.

    Examples
    --------
    >>> class Sheet:
    ...     @Once
    ...     def total(self) -> int:
    ...         print("adding")
    ...         return 7
    >>> sheet = Sheet()
    >>> sheet.total + sheet.total
    adding
    14
    """

    def __init__(self, work: Callable[[Any], T]) -> None:
        self._work = work
        self._lock = Lock()
        self.__doc__ = work.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = f"_{name}_once"

    @overload
    def __get__(self, instance: None, owner: type) -> "Once[T]": ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...
    def __get__(self, instance: object | None, owner: type) -> "T | Once[T]":
        if instance is None:
            return self
        with self._lock:
            answer: Future[T] | None = vars(instance).get(self._name)
            mine = answer is None
            if answer is None:
                answer = vars(instance)[self._name] = Future()
        if mine:
            try:
                answer.set_result(self._work(instance))
            except BaseException as error:
                answer.set_exception(error)
                raise
        return answer.result()
