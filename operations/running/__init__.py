"""Applied stacks as they run: health, alarms and versions, log groups, shells. Read from a stack's state and AWS."""
