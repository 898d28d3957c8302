"""Events on their way: the clock, schedules, rules, queues, asynchronous invocations, executions."""
