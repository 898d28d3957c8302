"""Stacks by name: created, updated, deleted and planned, for the API and for the direct path alike."""

import contextlib
import threading
import uuid
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from emulator import aws
from emulator.deploy.failures import ChangeSetUnusable, Exists, NoChangeSet, TemplateError
from emulator.deploy.judgement import planned_changes
from emulator.deploy.operation import Operation
from emulator.deploy.stacks import ChangeSet, Source, Stack
from emulator.deploy.surroundings import Surroundings, scope_of
from emulator.deploy.template import in_order
from emulator.resources.base import Services
from emulator.resources.coverage import problems

NO_CHANGES = "No updates are to be performed."
_EMPTY_CHANGE_SET = (
    "The submitted information didn't contain changes. Submit different information to create a change set."
)
_UPDATABLE = frozenset(
    {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "CREATE_FAILED", "UPDATE_FAILED"}
)
_PATIENCE_SECONDS = 45.0


class Formation:
    """CloudFormation's stacks; one operation a stack at a time.

    A call returns when its operation has ended, or after 45 seconds with the operation still going on: a
    caller who polls the stack's status, as AWS asks for, sees no difference but the time.

    Parameters
    ----------
    services
        Clients and names of the cloud.
    holding
        Entered while an operation changes things, so that nobody keeps half of it.
    """

    def __init__(
        self,
        services: Services,
        holding: Callable[[], contextlib.AbstractContextManager[Any]] = contextlib.nullcontext,
    ) -> None:
        self.services = services
        self._holding = holding
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def stacks(self) -> list[Stack]:
        """List the stacks that are not deleted, in the order they were made."""
        return list(self._backend.stacks.values())

    def deleted(self) -> list[Stack]:
        """List the stacks that were deleted."""
        return list(self._backend.deleted_stacks.values())

    def find(self, name: str) -> Stack:
        """Find a stack by name, or by id, which finds deleted ones too.

        Raises
        ------
        TemplateError
            There is none.
        """
        for stack in self.stacks():
            if name in {stack.name, stack.stack_id}:
                return stack
        for stack in self.deleted():
            if name == stack.stack_id:
                return stack
        raise TemplateError(f"Stack with id {name} does not exist")

    def named(self, name: str) -> Stack | None:
        """Give the stack of a name, or None."""
        return next((stack for stack in self.stacks() if stack.name == name), None)

    def create(self, name: str, source: Source, *, rollback: bool = True) -> Stack:
        """Create a stack.

        Parameters
        ----------
        name
            Its name.
        source
            What it is made from.
        rollback
            Whether a failure takes back what was made.

        Returns
        -------
        Stack
            Its status tells how it went.

        Raises
        ------
        TemplateError
            The template cannot be used; there is no stack then.
        Exists
            The name is taken.
        """
        if self.named(name):
            raise Exists(f"Stack [{name}] already exists")
        stack = self._new(name, source)
        self.check(stack, source)
        stack.rollback = rollback
        self._backend.stacks[stack.stack_id] = stack
        self._run(stack, lambda operation: operation.create())
        return stack

    def update(self, stack: Stack, source: Source, *, rollback: bool = True) -> Stack:
        """Bring a stack to another template.

        Parameters
        ----------
        stack
            The stack.
        source
            What it is to be made from.
        rollback
            Whether a failure brings it back.

        Returns
        -------
        Stack
            The same; its status tells how it went.

        Raises
        ------
        TemplateError
            The template cannot be used, or changes nothing, or the stack's status allows no update.
        """
        self._check_updatable(stack)
        self.check(stack, source)
        if self.is_current(stack, source):
            raise TemplateError(NO_CHANGES)
        stack.rollback = rollback
        self._run(stack, lambda operation: operation.update(source))
        return stack

    def delete(self, stack: Stack, retained: frozenset[str] = frozenset()) -> None:
        """Delete a stack; a deleted one is left as it is.

        Parameters
        ----------
        stack
            The stack.
        retained
            Resources to leave, beside those whose template says so.
        """
        if stack.protected:
            raise TemplateError(
                f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled"
            )
        if stack.deleted is None:
            self._run(stack, lambda operation: operation.delete(retained), then=self._bury)

    def plan(
        self,
        name: str,
        change_set: str,
        kind: str,
        source: Source,
        *,
        description: str | None,
        rollback: bool,
    ) -> tuple[Stack, ChangeSet]:
        """Make a change set; one for a new stack makes the stack, with nothing in it.

        Parameters
        ----------
        name, change_set
            Of the stack, of the change set.
        kind
            ``CREATE`` or ``UPDATE``.
        source
            What the stack is to be made from.
        description
            Kept with it.
        rollback
            Whether a failure of its execution takes back what was done.

        Returns
        -------
        tuple
            The stack and the change set, whose status is ``FAILED`` when it would change nothing.
        """
        stack = self.named(name)
        if kind == "CREATE" and stack is not None and stack.status != "REVIEW_IN_PROGRESS":
            raise TemplateError(
                f"Stack [{name}] already exists and cannot be created again with a change set"
            )
        if kind != "CREATE" and stack is None:
            raise TemplateError(f"Stack [{name}] does not exist")
        if stack is None:
            stack = self._new(name, source)
        if kind != "CREATE":
            self._check_updatable(stack)
        self.check(stack, source)
        if stack.stack_id not in self._backend.stacks:
            self._backend.stacks[stack.stack_id] = stack
            stack.become("REVIEW_IN_PROGRESS", "User Initiated")
        made = self._change_set(stack, change_set, kind, source)
        made.description, made.rollback = description, rollback
        stack.change_sets[change_set] = made
        return stack, made

    def _change_set(self, stack: Stack, name: str, kind: str, source: Source) -> ChangeSet:
        changes = tuple(planned_changes(stack, source, self.services, self._exports()))
        arn = f"{self._arn('changeSet', name)}/{uuid.uuid4()}"
        made = ChangeSet(arn, name, kind, source, changes, None, datetime.now(UTC), rollback=True)
        if not changes and kind != "CREATE" and self.is_current(stack, source):
            made.status, made.execution_status, made.reason = "FAILED", "UNAVAILABLE", _EMPTY_CHANGE_SET
        return made

    def change_set(self, stack: str | None, name: str) -> tuple[Stack, ChangeSet]:
        """Find a change set by its id, or by stack and name."""
        for known in self.stacks():
            for change_set in known.change_sets.values():
                named = change_set.name == name and stack in {known.name, known.stack_id}
                if named or change_set.id == name:
                    return known, change_set
        raise NoChangeSet(f"ChangeSet [{name}] does not exist")

    def execute(self, stack: Stack, change_set: ChangeSet) -> None:
        """Do what a change set says."""
        if change_set.execution_status != "AVAILABLE":
            raise ChangeSetUnusable(
                f"ChangeSet [{change_set.name}] cannot be executed in its current execution status of "
                f"[{change_set.execution_status}]"
            )
        change_set.execution_status = "EXECUTE_COMPLETE"
        stack.change_sets.clear()
        stack.rollback = change_set.rollback
        source = change_set.source
        if change_set.kind == "CREATE":
            stack.source = source
            self._run(stack, lambda operation: operation.create())
        else:
            self._run(stack, lambda operation: operation.update(source))

    def is_current(self, stack: Stack, source: Source) -> bool:
        """Tell whether an update to a source would change nothing at all."""
        now = stack.source
        same = (now.template, now.tags) == (source.template, source.tags)
        if not same or stack.status not in _UPDATABLE - {"CREATE_FAILED", "UPDATE_FAILED"}:
            return False
        return not planned_changes(stack, source, self.services, self._exports())

    def check(self, stack: Stack, source: Source) -> None:
        """Hold a template against everything that can be known before anything is made.

        Raises
        ------
        TemplateError
            With every problem found.
        """
        found = problems(stack.name, source.template)
        if found:
            raise TemplateError("\n".join(found))
        try:
            in_order(source.template)
            scope_of(stack, source, Surroundings(stack.resources, self._exports(), self.services))
        except TemplateError as error:
            raise TemplateError(f"stack {stack.name}: {error.message}") from error

    def wait(self, stack: Stack) -> None:
        """Wait until nothing changes the stack any more, however long that takes.

        Parameters
        ----------
        stack
            One whose operation a call may have left going on.
        """
        with self._locks[stack.name]:
            return

    def end_what_was_cut_off(self) -> None:
        """Have no stack claim to be changing that the end of the run before left in the middle."""
        for stack in self.stacks():
            if stack.status.endswith("_IN_PROGRESS") and stack.status != "REVIEW_IN_PROGRESS":
                stack.become(_broken(stack.status), f"the local cloud ended during {stack.status}")

    def _check_updatable(self, stack: Stack) -> None:
        if stack.status not in _UPDATABLE:
            raise TemplateError(
                f"Stack:{stack.stack_id} is in {stack.status} state and can not be updated; "
                "delete it and deploy it again"
            )

    def _run(
        self,
        stack: Stack,
        action: Callable[[Operation], None],
        then: Callable[[Stack], None] = lambda _stack: None,
    ) -> None:
        lock = self._locks[stack.name]
        if not lock.acquire(blocking=False):
            raise TemplateError(
                f"Stack:{stack.stack_id} is in {stack.status} state and can not be changed now"
            )
        failure: list[BaseException] = []

        def work() -> None:
            try:
                with self._holding():
                    action(Operation(stack, self.services, lambda: self._others(stack)))
                    then(stack)
            except Exception as error:  # noqa: BLE001 - told to the caller, and to whoever asks for the status
                failure.append(error)
                stack.become(_broken(stack.status), f"the local cloud failed: {error!r}")
            finally:
                lock.release()

        worker = threading.Thread(target=work, name=f"stack {stack.name}", daemon=True)
        worker.start()
        worker.join(_PATIENCE_SECONDS)
        if failure:
            raise failure[0]

    def _bury(self, stack: Stack) -> None:
        if stack.status == "DELETE_COMPLETE":
            with contextlib.suppress(KeyError):
                del self._backend.stacks[stack.stack_id]
            self._backend.deleted_stacks[stack.stack_id] = stack

    def _others(self, stack: Stack) -> list[Stack]:
        return [other for other in self.stacks() if other is not stack]

    def _exports(self) -> Mapping[str, str]:
        return {name: value for stack in self.stacks() for name, value in stack.exports.items()}

    def _new(self, name: str, source: Source) -> Stack:
        stack_id = f"{self._arn('stack', name)}/{uuid.uuid4()}"
        return Stack(stack_id, name, source, datetime.now(UTC))

    def _arn(self, kind: str, name: str) -> str:
        return f"arn:aws:cloudformation:{self.services.region}:{self.services.account}:{kind}/{name}"

    @property
    def _backend(self) -> Any:
        return aws.backend("cloudformation", self.services.region)


def _broken(status: str) -> str:
    """Name the end of an operation that a fault of the local cloud cut off."""
    if status.startswith(("CREATE", "ROLLBACK")):
        return "ROLLBACK_FAILED"
    return "DELETE_FAILED" if status.startswith("DELETE") else "UPDATE_ROLLBACK_FAILED"
