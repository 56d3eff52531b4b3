"""Judge what is recorded: whether every entry follows the rules of its time. Pure."""
