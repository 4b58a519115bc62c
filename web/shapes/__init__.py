"""What goes in and out as JSON; names and shapes are the contract's."""
