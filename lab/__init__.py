"""A network and days whose truth is known: what netsky says of them is held against it."""
